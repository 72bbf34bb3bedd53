/** The lab itself: hosts that see each other and are cut, one way and both, lossy and slow, behind a router; nothing is left of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { execa } from 'execa'
import { type Lab, type LabHost, openLab } from '../../testing/hosts/lab.ts'

/** Sends a number of bytes to whoever connects. */
const SERVER = (address: string, bytes: number) =>
  `require('node:net').createServer((s) => { s.on('error', () => {}); s.end(Buffer.alloc(${bytes})) }).listen(7000, '${address}', () => console.log('up'))`
/** Says how many bytes came, and what went wrong where none did. */
const CLIENT = (address: string) =>
  `let n = 0; const s = require('node:net').connect(7000, '${address}'); s.setTimeout(1500, () => s.destroy(new Error('silence'))); s.on('data', (d) => (n += d.length)); s.on('error', (e) => console.log(e.message)); s.on('end', () => console.log(n))`

describe('a lab of hosts', () => {
  let lab: Lab
  before(async () => {
    lab = await openLab({ hosts: 3, behindRouter: [2] })
  })
  after(() => lab?.close())

  async function listen(host: LabHost, bytes = 10): Promise<void> {
    const server = host.spawn([process.execPath, '-e', SERVER(host.link.inner, bytes)])
    await once(server.stdout!, 'data')
  }
  async function fetchFrom(host: LabHost, address: string): Promise<string> {
    const client = host.spawn([process.execPath, '-e', CLIENT(address)])
    let text = ''
    client.stdout!.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    await once(client, 'close')
    return text.trim()
  }

  test('its hosts have names of their own and reach each other, by IPv6 too', async () => {
    const [a, b] = [lab.host(0), lab.host(1)]
    const named = a.spawn(['cat', '/proc/sys/kernel/hostname'])
    assert.equal(String((await once(named.stdout!, 'data'))[0]).trim(), 'host0')
    assert.notEqual((await readFile('/proc/sys/kernel/hostname', 'utf8')).trim(), 'host0')
    await listen(a)
    assert.equal(await fetchFrom(b, a.link.address), '10')
    const six = b.spawn([process.execPath, '-e', SERVER(b.link.address6, 20)])
    await once(six.stdout!, 'data')
    assert.equal(await fetchFrom(a, b.link.address6), '20')
  })

  test('a cut host neither receives nor sends packets until it is healed', async () => {
    const [a, b] = [lab.host(0), lab.host(1)]
    await a.cut()
    assert.equal(await fetchFrom(b, a.link.address), 'silence')
    await a.heal()
    assert.equal(await fetchFrom(b, a.link.address), '10')
    await b.dropFrom(a)
    assert.equal(await fetchFrom(b, a.link.address), 'silence', 'its packets arrive, the answers do not')
    await b.heal()
    await b.cutFrom(a)
    assert.equal(await fetchFrom(b, a.link.address), 'silence')
    await lab.healAll()
    assert.equal(await fetchFrom(b, a.link.address), '10')
  })

  test('loss drops about the given share of packets', async () => {
    const [a, b] = [lab.host(0), lab.host(1)]
    await a.loss(0.3)
    const udp = `const d = require('node:dgram').createSocket('udp4'); let n = 0; d.on('message', () => n++); d.bind(7001, '${a.link.inner}', () => console.log('up')); setTimeout(() => { console.log(n); d.close() }, 1500)`
    const counter = a.spawn([process.execPath, '-e', udp])
    let said = ''
    counter.stdout!.setEncoding('utf8').on('data', (part: string) => {
      said += part
    })
    await once(counter.stdout!, 'data')
    const send = `const d = require('node:dgram').createSocket('udp4'); let i = 0; const t = setInterval(() => { for (let k = 0; k < 50; k++) d.send('x', 7001, '${a.link.address}'); if (++i === 20) { clearInterval(t); setTimeout(() => d.close(), 100) } }, 10)`
    b.spawn([process.execPath, '-e', send])
    await once(counter, 'close')
    const arrived = Number(said.trim().split('\n').at(-1))
    assert.ok(arrived > 600 && arrived < 800, `${arrived} of 1,000 arrived`)
    await a.loss(0)
  })

  test('a host behind a router reaches out, and is reached by the port that is opened', async () => {
    const [a, hidden] = [lab.host(0), lab.host(2)]
    assert.equal(await fetchFrom(hidden, a.link.address), '10')
    await listen(hidden)
    assert.match(await fetchFrom(a, hidden.link.address), /ECONNREFUSED|silence/)
    await hidden.forward(7000)
    assert.equal(await fetchFrom(a, hidden.link.address), '10')
  })

  test('a rate is kept to', async () => {
    const [a, b] = [lab.host(0), lab.host(1)]
    await a.powerOff()
    await listen(a, 1_250_000)
    await a.rate(10e6)
    const began = performance.now()
    assert.equal(await fetchFrom(b, a.link.address), '1250000')
    const seconds = (performance.now() - began) / 1000
    assert.ok(seconds > 0.8 && seconds < 4, `10 Mbit at 10 Mbit/s took ${seconds.toFixed(2)} s`)
    await a.rate(null)
  })
})

test('what a lab made is gone when it is closed, and beside another one it has a network of its own', async () => {
  const [one, two] = await Promise.all([openLab({ hosts: 1 }), openLab({ hosts: 1 })])
  assert.notEqual(one.host(0).link.address, two.host(0).link.address)
  const made = [one, two].flatMap((lab) => lab.hosts.map(({ link }) => link.namespace))
  one.host(0).spawn(['sleep', '1000'])
  await Promise.all([one.close(), two.close()])
  const { stdout } = await execa('ip', ['netns', 'list'])
  for (const name of made) assert.ok(!stdout.includes(name), `${name} is left`)
})

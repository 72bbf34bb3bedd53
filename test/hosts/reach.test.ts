/** How peers find each other where nobody gives an address, where addresses are IPv6, and where a router is in between. */
import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { type Lab, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { type Films, makeFilms } from './film.ts'
import { assertExact, seconds, until, type Watch, watchLedger } from './watch.ts'

describe('hosts that find each other', () => {
  let lab: Lab
  let films: Films
  let watch: Watch
  before(async () => {
    lab = await openLab({ hosts: 3, behindRouter: [2] })
    films = await makeFilms(lab, 'small')
    await lab.mongod(0)
    watch = await watchLedger(lab)
  })
  after(async () => {
    await watch?.close()
    await lab?.close()
  })

  const met = (node: LabNode, count = 2) =>
    until(
      `${node.name} hears ${count}`,
      async () => (await node.status()).peers.filter(({ heard_s }) => heard_s < 3).length === count,
      30,
    )
  async function stop(...nodes: LabNode[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.kill('SIGTERM')))
  }
  /** Both take part in a film that one of them was given. */
  async function encodes(giver: LabNode, other: LabNode): Promise<void> {
    const file = await films.another()
    const done = await watch.submit(giver, file)
    await watch.delivered(done, 240)
    await assertExact(watch, done, films.expected(file))
    const workers = new Set<string | null>((await watch.tasks(done.video)).map(({ worker_id }) => worker_id))
    assert.ok(workers.has(other.peer), `${other.name} did some`)
  }

  test('on one LAN by mDNS, without any address', async (t) => {
    const began = performance.now()
    const [a, b] = await Promise.all(
      [lab.host(0), lab.host(1)].map((host) => host.node({ name: `mdns${host.index}`, slots: 1, mdns: true })),
    )
    await Promise.all([met(a!), met(b!)])
    t.diagnostic(`two peers found each other by mDNS within ${seconds(performance.now() - began)} of their start`)
    await stop(a!, b!)
  })

  test('by IPv6', async () => {
    const six = (at: number) => ({ name: `six${at}`, slots: 1, listen: `/ip6/${lab.host(at).link.address6}/tcp/4600` })
    const a = await lab.host(0).node(six(0))
    assert.match(a.addresses[0] ?? '', /^\/ip6\/fd72:/)
    const b = await lab.host(1).node({ ...six(1), join: a.addresses[0] ?? '' })
    await Promise.all([met(a), met(b)])
    await encodes(a, b)
    await stop(a, b)
  })

  test('behind a router that forwards a port, by what it announces', async () => {
    const hidden = lab.host(2)
    await hidden.forward(4001)
    const announce = `/ip4/${hidden.link.address}/tcp/4001`
    const a = await hidden.node({ name: 'hidden', slots: 1, announce })
    assert.deepEqual(
      a.addresses.map((address) => address.split('/p2p/')[0]),
      [announce],
    )
    const b = await lab.host(1).node({ name: 'outside', slots: 1, join: announce })
    await Promise.all([met(a), met(b)])
    await encodes(a, b)
    await stop(a, b)
  })

  test('behind a router that forwards nothing, by dialling out', async () => {
    const outside = await lab.host(0).node({ name: 'open', slots: 1 })
    // Another port than the one that was opened above.
    const hidden = await lab.host(2).node({
      name: 'dials',
      slots: 1,
      join: outside.addresses[0] ?? '',
      listen: `/ip4/${lab.host(2).link.inner}/tcp/4077`,
    })
    await Promise.all([met(outside), met(hidden)])
    await encodes(hidden, outside)
    await stop(outside, hidden)
  })

  test('by a bulk line for large blobs, and by the mesh connection where the port cannot be reached', async () => {
    const outside = await lab.host(0).node({ name: 'wide', slots: 1, log_level: 'debug' })
    const hidden = await lab.host(2).node({
      name: 'inner',
      slots: 1,
      join: outside.addresses[0] ?? '',
      listen: `/ip4/${lab.host(2).link.inner}/tcp/4088`,
      log_level: 'debug',
    })
    await Promise.all([met(outside), met(hidden)])
    // An empty box makes the source large; the other peer fetches it, as a replica.
    const box = Buffer.alloc(2 * 1024 * 1024)
    box.writeUInt32BE(box.byteLength)
    box.write('free', 4)
    for (const [giver, taker, says] of [
      [outside, hidden, 'bulk line opened'],
      [hidden, outside, 'no bulk line to this peer'],
    ] as const) {
      const file = await films.another()
      await appendFile(file, box)
      const done = await watch.submit(giver, file)
      await watch.delivered(done, 240)
      await assertExact(watch, done, films.expected(file))
      const log = await taker.log()
      assert.ok(log.includes(says), `${taker.name}: ${says}`)
    }
    assert.ok(!(await outside.log()).includes('bulk line opened'))
    await stop(outside, hidden)
  })
})

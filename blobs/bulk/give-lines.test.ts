/** The port of the giver: who connects to it with what, and what they get. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { systemClock as clock } from '../../node/host/system-clock.ts'
import type { BlobRef } from '../../protocol/blobs.ts'
import { encodeLine, readLine } from '../blob-wire.ts'
import { bindingOf, encodeMessage, isConfirmation, isMadeByKey, OFFER_MS } from './line-wire.ts'
import { get, give, ids, knock, MiB, noise, offerTo, said, startLinePeers, video } from './lines.test-support.ts'

const requestFor = ({ sha256 }: BlobRef) => encodeLine({ v: 1, sha256, video, offset: 0, length: null })
const isSession = (knocked: TLSSocket | string): TLSSocket => {
  assert.ok(typeof knocked !== 'string', String(knocked))
  return knocked
}

describe('the port of bulk lines', { timeout: 60_000 }, () => {
  it('makes a session by the key alone, of TLS 1.3, with an agreement of its own, and serves it once it is bound', async (t) => {
    const [a, b] = await startLinePeers(t)
    const content = noise(MiB, 3)
    const ref = await give(b!, content)
    const { offer, stream, rest } = await offerTo(a!, b!)
    const session = isSession(await knock(offer))
    assert.ok(isMadeByKey(session))
    assert.equal(session.getProtocol(), 'TLSv1.3')
    assert.match(JSON.stringify(session.getEphemeralKeyInfo()), /X25519|prime256v1/)
    await stream.sink([encodeMessage({ v: 1, binding: bindingOf(session, { giver: ids[1]!, taker: ids[0]! }) })])
    assert.ok(isConfirmation((await readLine(rest)).line))
    session.write(requestFor(ref))
    const text = await said(session)
    assert.equal(text.slice(text.indexOf('\n') + 1), content.toString('latin1'))
  })

  it('makes no session with a wrong key or an unknown name, and the right key still counts', async (t) => {
    const [a, b] = await startLinePeers(t)
    const { offer } = await offerTo(a!, b!)
    assert.match(String(await knock(offer, { psk: '0'.repeat(64) })), /^ERR_SSL/)
    assert.match(String(await knock(offer, { identity: 'f'.repeat(32) })), /^ERR_SSL/)
    isSession(await knock(offer)).destroy()
  })

  it('makes no second session with a key, also not by taking up the first one again', async (t) => {
    const [a, b] = await startLinePeers(t)
    const { offer } = await offerTo(a!, b!)
    const first = isSession(await knock(offer))
    const tickets: Buffer[] = []
    first.on('session', (ticket) => tickets.push(ticket))
    assert.match(String(await knock(offer)), /^ERR_SSL/)
    await said(first)
    for (const session of [first.getSession(), ...tickets])
      if (session) assert.match(String(await knock(offer, { session })), /^ERR_SSL|ECONNRESET|closed/)
  })

  it('makes no session once the offer has expired', async (t) => {
    const [a, b] = await startLinePeers(t)
    const { offer, rest } = await offerTo(a!, b!)
    await assert.rejects(readLine(rest))
    assert.match(String(await knock(offer)), /^ERR_SSL/)
  })

  it('makes no session below TLS 1.3, and none without a key', async (t) => {
    const [a, b] = await startLinePeers(t)
    const { offer } = await offerTo(a!, b!)
    const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'PSK' } as const
    assert.match(String(await knock(offer, old)), /^ERR_SSL/)
    assert.match(String(await knock(offer, { pskCallback: undefined, rejectUnauthorized: false })), /^ERR_SSL/)
    isSession(await knock(offer)).destroy()
  })

  it('serves nobody who has the key of another peer', async (t) => {
    const [a, b, c] = await startLinePeers(t)
    const ref = await give(b!, noise(MiB, 5))
    // The thief has a session by the stolen key, and says so on its own mesh connection.
    const stolen = await offerTo(a!, b!)
    const own = await offerTo(c!, b!)
    const session = isSession(await knock(stolen.offer))
    session.write(requestFor(ref))
    const binding = bindingOf(session, { giver: ids[1]!, taker: ids[2]! })
    // Its victim is connected to the thief, who connected onwards: two sessions, which export different things.
    const victims = binding.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
    const refused = [own.rest, stolen.rest].map((rest) => assert.rejects(readLine(rest)))
    await own.stream.sink([encodeMessage({ v: 1, binding })])
    await stolen.stream.sink([encodeMessage({ v: 1, binding: victims })])
    assert.equal(await said(session), '')
    await Promise.all(refused)
  })

  it('gives a session to the peer that it is bound to, and to the giver that it is bound to', async (t) => {
    const [a, b] = await startLinePeers(t)
    for (const names of [
      { giver: ids[1]!, taker: ids[2]! },
      { giver: ids[2]!, taker: ids[0]! },
    ]) {
      const { offer, stream, rest } = await offerTo(a!, b!)
      const session = isSession(await knock(offer))
      await stream.sink([encodeMessage({ v: 1, binding: bindingOf(session, names) })])
      await assert.rejects(readLine(rest))
      assert.equal(await said(session), '')
    }
  })

  it('holds few connections of strangers, each for a short while, and peers get their blobs meanwhile', async (t) => {
    const [a, b] = await startLinePeers(t)
    const content = noise(3 * MiB, 7)
    const ref = await give(b!, content)
    const { offer } = await offerTo(a!, b!)
    const sockets: Socket[] = []
    let silent = 0
    let dropped = 0
    for (let at = 0; at < 300; at++) {
      const socket = connect(offer.port, '127.0.0.1')
      socket.on('error', () => {})
      const from = clock.mono()
      if (at >= 100) socket.once('connect', () => silent++)
      if (at >= 100) socket.once('close', () => (clock.mono() - from < OFFER_MS ? dropped++ : silent--))
      sockets.push(socket)
    }
    t.after(() => {
      for (const socket of sockets) socket.destroy()
    })
    for (const socket of sockets.slice(0, 50)) socket.write('GET / HTTP/1.1\r\n\r\n')
    for (const socket of sockets.slice(50, 100)) socket.write(crypto.getRandomValues(Buffer.alloc(64 * 1024)))
    await get(a!, ref, b!)
    // Of the 200 that say nothing those beyond the bound are closed at once, all others in time.
    while (silent > dropped) await clock.sleep(10)
    assert.ok(dropped >= 200 - 128, `${dropped} were dropped`)
  })

  it('closes its port and its lines when it is stopped', async (t) => {
    const [a, b] = await startLinePeers(t)
    const { offer } = await offerTo(a!, b!)
    const session = isSession(await knock(offer))
    await Promise.all([b!.exchange.stop(), once(session, 'close')])
    assert.equal(await knock(offer), 'ECONNREFUSED')
    await b!.exchange.stop()
  })
})

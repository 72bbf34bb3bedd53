/** Blobs by bulk lines, and by streams of the mesh where a line is not what it should be. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { connect as connectTcp, createServer as createTcpServer, type Server } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createServer, type TlsOptions } from 'node:tls'
import type { MeshStream } from '../../protocol/mesh.ts'
import { decodeOffer, encodeMessage, type LineOffer } from './line-wire.ts'
import { get, give, type LinePeer, MiB, noise, reconnected, startLinePeers } from './lines.test-support.ts'

const LOOPBACK_PEM = join(import.meta.dirname, '../../testing/tools/loopback.pem')

/** Changes the offers that a peer gets. */
function onOffer(peer: LinePeer, change: (offer: LineOffer) => LineOffer): void {
  peer.change = (stream, protocol) => (protocol === 'line' ? { ...stream, source: changed(stream, change) } : stream)
}

async function* changed({ source }: MeshStream, change: (offer: LineOffer) => LineOffer) {
  for await (const piece of source) {
    const offer = decodeOffer(new TextDecoder().decode(piece))
    yield offer === null ? piece : encodeMessage(change(offer))
  }
}

async function listening<S extends Server>(t: TestContext, server: S): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as { port: number }).port
}

/** A way to a port that breaks each connection after so many bytes of the other side; `passed` counts them. */
async function cutting(t: TestContext, bytes: readonly number[]) {
  let to = 0
  const passed: number[] = []
  const server = createTcpServer((near) => {
    const at = passed.push(0) - 1
    const far = connectTcp(to, '127.0.0.1')
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    far.on('data', (data: Buffer) => {
      passed[at]! += data.byteLength
      if (passed[at]! > (bytes[at] ?? Number.POSITIVE_INFINITY)) near.destroy()
      else if (!near.write(data)) far.pause()
    })
    near.on('drain', () => far.resume())
  })
  const port = await listening(t, server)
  return {
    passed,
    instead: (offer: LineOffer) => {
      to = offer.port
      return { ...offer, port }
    },
  }
}

describe('blobs by bulk lines', { timeout: 60_000 }, () => {
  it('carries a large blob, whole and with its hash checked, and no byte of it by a stream', async (t) => {
    const [a, b] = await startLinePeers(t)
    // Large enough to be hashed in a thread.
    const content = noise(65 * MiB + 17, 7)
    const ref = await give(b!, content)
    assert.ok(content.equals(await readFile(await get(a!, ref, b!))))
    assert.deepEqual(a!.opened, ['line'])
    assert.deepEqual(
      [a!.traffic, b!.traffic],
      [
        { sent: 0, received: ref.bytes },
        { sent: ref.bytes, received: 0 },
      ],
    )
  })

  it('leaves small blobs to streams', async (t) => {
    const [a, b] = await startLinePeers(t)
    await get(a!, await give(b!, noise(1000, 1)), b!)
    assert.deepEqual(a!.opened, ['blob'])
    assert.deepEqual([a!.traffic.received, b!.traffic.sent], [1000, 1000])
  })

  it('carries several blobs at once, both ways', async (t) => {
    const [a, b] = await startLinePeers(t)
    const contents = [11, 13, 17, 19, 23, 29].map((seed) => noise(3 * MiB + seed, seed))
    const moves = contents.map((_, at) => (at % 2 ? [a!, b!] : [b!, a!]) as [LinePeer, LinePeer])
    const refs = await Promise.all(moves.map(([from], at) => give(from, contents[at]!)))
    const paths = await Promise.all(moves.map(([from, to], at) => get(to, refs[at]!, from)))
    for (const [at, path] of paths.entries()) assert.ok(contents[at]!.equals(await readFile(path)))
    assert.deepEqual(
      [...a!.opened, ...b!.opened],
      Array.from({ length: 6 }, () => 'line'),
    )
  })

  it('goes on where a line was cut, by the next line', async (t) => {
    const [a, b] = await startLinePeers(t)
    const way = await cutting(t, [5 * MiB, 4 * MiB])
    onOffer(a!, way.instead)
    const content = noise(16 * MiB, 31)
    assert.ok(content.equals(await readFile(await get(a!, await give(b!, content), b!))))
    assert.deepEqual(a!.opened, ['line', 'line', 'line'])
    const all = way.passed.reduce((sum, each) => sum + each, 0)
    // What was on its way at each cut comes again.
    assert.ok(all < 21 * MiB, `${all} bytes passed`)
  })

  it('takes the stream at once where a line is there and brings nothing, and no line for a while', async (t) => {
    const [a, b] = await startLinePeers(t)
    const way = await cutting(t, [4_000, 4_000])
    onOffer(a!, way.instead)
    const contents = [noise(2 * MiB, 37), noise(2 * MiB, 41)]
    for (const content of contents)
      assert.ok(content.equals(await readFile(await get(a!, await give(b!, content), b!))))
    assert.deepEqual(a!.opened, ['line', 'blob', 'blob'])
  })

  it('takes the stream where the port is closed or says nothing, and tries again when the peer has come back', async (t) => {
    for (const silent of [false, true]) {
      const [a, b] = await startLinePeers(t)
      const server = createTcpServer((socket) => t.after(() => socket.destroy()))
      const port = await listening(t, server)
      if (!silent) await new Promise((resolve) => server.close(resolve))
      onOffer(a!, (offer) => ({ ...offer, port }))
      for (const seed of [43, 47]) {
        const content = noise(2 * MiB, seed)
        assert.ok(content.equals(await readFile(await get(a!, await give(b!, content), b!))))
      }
      assert.deepEqual(a!.opened, ['line', 'blob', 'blob'])
      await reconnected(a!)
      a!.change = (stream) => stream
      await get(a!, await give(b!, noise(2 * MiB, 49)), b!)
      assert.deepEqual(a!.opened, ['line', 'blob', 'blob', 'line'])
    }
  })

  it('takes the stream from a peer that has no bulk lines', async (t) => {
    const [a, b] = await startLinePeers(t, { isOld: [false, true, false] })
    const content = noise(2 * MiB, 53)
    assert.ok(content.equals(await readFile(await get(a!, await give(b!, content), b!))))
    assert.deepEqual(a!.opened, ['line', 'blob'])
    const other = noise(2 * MiB, 59)
    assert.ok(other.equals(await readFile(await get(b!, await give(a!, other), a!))))
    assert.deepEqual(b!.opened, ['blob'])
  })

  it('refuses a port that answers by TLS 1.2, by a certificate, or by another key', async (t) => {
    const pem = await readFile(LOOPBACK_PEM)
    const keyOf = { last: '' }
    const wrong: TlsOptions[] = [
      { maxVersion: 'TLSv1.2', ciphers: 'PSK', pskCallback: () => Buffer.from(keyOf.last, 'hex') },
      { key: pem, cert: pem },
      { pskCallback: () => Buffer.alloc(32) },
      // The right key, at somebody else: what the session exports is not what the giver sees.
      { pskCallback: () => Buffer.from(keyOf.last, 'hex') },
    ]
    for (const [at, options] of wrong.entries()) {
      const [a, b] = await startLinePeers(t)
      const heard: Buffer[] = []
      const server = createServer(options, (socket) =>
        socket.on('data', (data: Buffer) => heard.push(data)).on('error', () => {}),
      )
      const port = await listening(t, server)
      onOffer(a!, (offer) => {
        keyOf.last = offer.key
        return { ...offer, port }
      })
      const content = noise(2 * MiB, 61 + at)
      assert.ok(content.equals(await readFile(await get(a!, await give(b!, content), b!))))
      assert.deepEqual(a!.opened, ['line', 'blob'], `server ${at}`)
      assert.deepEqual(heard, [], 'nothing was said to it')
    }
  })
})

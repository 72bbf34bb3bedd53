/** Three peers on the in-memory mesh whose bulk lines are real TLS connections on loopback. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { systemClock as clock, systemRng as rng } from '../../node/host/system-clock.ts'
import type { BlobRef, BlobTraffic } from '../../protocol/blobs.ts'
import { videoNumber } from '../../protocol/conformance/blobs.ts'
import { asPeerId } from '../../protocol/ids.ts'
import { silentLog as log } from '../../protocol/log.ts'
import type { Mesh, MeshStream, Protocol } from '../../protocol/mesh.ts'
import { createMemoryHub, type MemoryHub } from '../../testing/memory-mesh/memory-mesh.ts'
import { createBlobExchange, type LinkedBlobExchange } from '../blob-exchange.ts'
import { createBlobStore, type DiskBlobStore } from '../blob-store.ts'
import { readLine } from '../blob-wire.ts'
import { decodeOffer, LINE_TLS, type LineOffer } from './line-wire.ts'

export const MiB = 1024 * 1024
export const video = videoNumber(1)
export const ids = ['A', 'B', 'C'].map((letter) => asPeerId(`12D3KooW${letter.repeat(44)}`))

export interface LinePeer {
  readonly mesh: Mesh
  readonly store: DiskBlobStore
  readonly exchange: LinkedBlobExchange
  readonly hub: MemoryHub
  readonly traffic: BlobTraffic
  /** The protocols of the streams that this peer opened, in order. */
  readonly opened: Protocol[]
  /** Replaces what it opens, from now on. */
  change: (stream: MeshStream, protocol: Protocol) => MeshStream
}

/** Connected peers; `isOld`: of a version without bulk lines. */
export async function startLinePeers(t: TestContext, { isOld = [false, false, false] } = {}): Promise<LinePeer[]> {
  const root = await mkdtemp(join(tmpdir(), 'reelmesh-lines-'))
  const hub = createMemoryHub({ clock, rng })
  const peers: LinePeer[] = []
  for (const [at, id] of ids.entries()) {
    const mesh = hub.join(id, { knows: ids })
    const { open } = mesh
    const peer = { hub, mesh, opened: [] as Protocol[], change: (stream: MeshStream) => stream } as unknown as LinePeer
    mesh.open = async (to, protocol, signal) => {
      peer.opened.push(protocol)
      return peer.change({ ...(await open.call(mesh, to, protocol, signal)), host: '127.0.0.1' }, protocol)
    }
    const store = await createBlobStore({ dir: join(root, String(at)), log, isDurable: false })
    const lines = isOld[at] ? null : { hosts: ['127.0.0.1'], ports: [0] }
    const traffic: BlobTraffic = { sent: 0, received: 0 }
    const exchange = createBlobExchange({ mesh, store, clock, rng, log, lines, traffic })
    peers.push(Object.assign(peer, { store, traffic, exchange }))
  }
  t.after(async () => {
    for (const { mesh, exchange } of peers) await Promise.all([mesh.stop(), exchange.stop()])
    await rm(root, { recursive: true })
  })
  const all = peers.map(({ mesh }) => connected(mesh, 2))
  for (const { mesh } of peers) await mesh.start()
  await Promise.all(all)
  return peers
}

/** Cuts this peer off until the others notice, and waits until it is connected again. */
export async function reconnected({ hub, mesh }: LinePeer): Promise<void> {
  const lost = Promise.withResolvers<void>()
  const off = mesh.listen({ onDisconnected: () => mesh.peers().length === 0 && lost.resolve() })
  const hold = setInterval(() => {}, 1_000)
  hub.partition([mesh.self])
  await lost.promise
  clearInterval(hold)
  off()
  const again = connected(mesh, 2)
  hub.heal()
  await again
}

/** Resolves when a mesh has so many peers. */
function connected(mesh: Mesh, count: number): Promise<void> {
  return new Promise((resolve) => {
    const hold = setInterval(() => {}, 1_000)
    const off = mesh.listen({
      onConnected: () => {
        if (mesh.peers().length < count) return
        off()
        clearInterval(hold)
        resolve()
      },
    })
  })
}

export const noise = (bytes: number, seed: number): Buffer =>
  Buffer.from(new Uint8Array(bytes).map((_, at) => (at * 31 + (at >> 8) * seed) & 255).buffer)

export async function give({ store }: LinePeer, content: Uint8Array): Promise<BlobRef> {
  const path = join(await store.scratch('made'), 'file')
  await writeFile(path, content)
  return store.put(video, path)
}

export const get = ({ exchange }: LinePeer, ref: BlobRef, from: LinePeer): Promise<string> =>
  exchange.fetch({ ...ref, video, holders: [from.mesh.self], signal: AbortSignal.timeout(20_000) })

/** An offer as its peer gets it, with the stream that it came on. */
export async function offerTo(taker: LinePeer, giver: LinePeer) {
  const stream = await taker.mesh.open(giver.mesh.self, 'line', AbortSignal.timeout(5_000))
  const { line, rest } = await readLine(stream.source)
  return { offer: decodeOffer(line) ?? assert.fail(line), stream, rest }
}

/** A TLS session with the port of an offer; the code of the error where there is none. The first error is the answer of the other side. */
export function knock(
  { port, id, key }: LineOffer,
  { psk = key, identity = id, ...options }: ConnectionOptions & { psk?: string; identity?: string } = {},
): Promise<TLSSocket | string> {
  const socket = connect({
    ...LINE_TLS,
    host: '127.0.0.1',
    port,
    pskCallback: () => ({ psk: Buffer.from(psk, 'hex'), identity }),
    checkServerIdentity: () => undefined,
    ...options,
  })
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.once('secureConnect', () => resolve(socket))
    socket.once('close', () => resolve('closed'))
  })
}

/** All that a session is sent until it closes. */
export async function said(socket: TLSSocket): Promise<string> {
  let text = ''
  socket.on('data', (data) => {
    text += data.toString('latin1')
  })
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return text
}

/** Ranges of blobs between peers over the in-memory mesh: what they are, and what happens when a peer lacks them, is busy or dies. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { systemClock as clock, systemRng as rng } from '../node/host/system-clock.ts'
import type { BlobRanges, BlobRef, DeliveredBlobs } from '../protocol/blobs.ts'
import { videoNumber } from '../protocol/conformance/blobs.ts'
import { BlobMissing, LedgerUnavailable, PeerUnreachable } from '../protocol/errors.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { RANGE_BYTES_MAX, RANGE_READS_AT_ONCE } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import type { Mesh, MeshStream } from '../protocol/mesh.ts'
import { createMemoryHub } from '../testing/memory-mesh/memory-mesh.ts'
import { createBlobExchange } from './blob-exchange.ts'
import { createBlobStore, type DiskBlobStore } from './blob-store.ts'
import { createBlobRanges } from './read-range.ts'

const video = videoNumber(1)
const ids = ['A', 'B', 'C'].map((letter) => asPeerId(`12D3KooW${letter.repeat(44)}`)) as [PeerId, PeerId, PeerId]
const CONTENT = Buffer.alloc(700_000).map((_, at) => (at * 31 + (at >> 8) * 7) & 255)

interface Peer {
  readonly mesh: Mesh
  readonly store: DiskBlobStore
  readonly dir: string
}

describe('ranges of blobs', () => {
  let root: string
  let peers: Peer[] = []
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelmesh-ranges-'))
  })
  after(() => rm(root, { recursive: true }))
  afterEach(async () => {
    for (const { mesh } of peers) await mesh.stop()
  })

  /** Three connected peers, of which the first reads; `delivered`: what B has delivered. */
  async function start({ wrap = (mesh: Mesh) => mesh, delivered = {} as Partial<DeliveredBlobs> } = {}) {
    const hub = createMemoryHub({ clock, rng })
    peers = []
    for (const [at, id] of ids.entries()) {
      const mesh = hub.join(id, { knows: ids })
      const dir = await mkdtemp(join(root, 'peer-'))
      const store = await createBlobStore({ dir, log: silentLog, isDurable: false })
      const own = at === 1 && delivered.open ? { delivered: { open: delivered.open } } : {}
      createBlobExchange({ mesh, store, clock, rng, log: silentLog, ...own })
      peers.push({ mesh, store, dir })
    }
    const [a, b, c] = peers as [Peer, Peer, Peer]
    const connected = new Promise<void>((resolve) => {
      a.mesh.listen({ onConnected: () => a.mesh.peers().length === 2 && resolve() })
    })
    for (const { mesh } of peers) await mesh.start()
    const hold = setInterval(() => {}, 1_000)
    await connected
    clearInterval(hold)
    const traffic = { sent: 0, received: 0 }
    return { a, b, c, traffic, ranges: createBlobRanges({ mesh: wrap(a.mesh), clock, rng, log: silentLog, traffic }) }
  }

  async function give({ store }: Peer): Promise<BlobRef> {
    const path = join(await store.scratch('made'), 'file')
    await writeFile(path, CONTENT)
    return await store.put(video, path)
  }

  const read = (ranges: BlobRanges, ref: BlobRef, from: number, to: number, holders: readonly PeerId[] = ids) =>
    ranges.read({ ...ref, from, to, video, holders, signal: AbortSignal.timeout(10_000) })

  it('are the bytes that are asked for, counted, and nothing is written here', async () => {
    const { a, b, ranges, traffic } = await start()
    const ref = await give(b)
    for (const [from, to] of [
      [0, 1],
      [5, RANGE_BYTES_MAX + 5],
      [699_990, 700_000],
    ] as const)
      assert.deepEqual(Buffer.from(await read(ranges, ref, from, to)), CONTENT.subarray(from, to))
    assert.equal(traffic.received, 1 + RANGE_BYTES_MAX + 10)
    assert.deepEqual(await readdir(join(a.dir, 'fetching')), [])
    assert.deepEqual(await readdir(join(a.dir, 'blobs')), [])
  })

  it('come from a peer that no one has named as a holder, where the named ones are gone', async () => {
    const { c, ranges } = await start()
    const ref = await give(c)
    assert.deepEqual(
      Buffer.from(await read(ranges, ref, 10, 20, [asPeerId(`12D3KooW${'Z'.repeat(44)}`)])),
      CONTENT.subarray(10, 20),
    )
  })

  it('continue with another peer from where the first one broke off', async () => {
    const asked: { readonly peer: PeerId; readonly request: string }[] = []
    const { b, c, ranges } = await start({
      wrap: (mesh) => breaking(mesh, ids[1], 100_000, (peer, request) => asked.push({ peer, request })),
    })
    const ref = await give(b)
    await give(c)
    const got = await read(ranges, ref, 50, 400_050, [ids[1]])
    assert.deepEqual(Buffer.from(got), CONTENT.subarray(50, 400_050))
    assert.deepEqual(
      asked.map(({ peer }) => peer),
      [ids[1], ids[2]],
    )
    assert.equal(JSON.parse(asked[0]!.request).offset, 50)
    assert.ok(JSON.parse(asked[1]!.request).offset >= 100_000, 'what came is not asked for again')
    asked.length = 0
    await read(ranges, ref, 0, 10, [ids[1]])
    assert.deepEqual(
      asked.map(({ peer }) => peer),
      [ids[2]],
      'the peer that served is asked first',
    )
  })

  it('come from what a peer has delivered, whose store has it no more', async () => {
    const open: DeliveredBlobs['open'] = async (sha256) =>
      sha256 === ref.sha256
        ? {
            bytes: CONTENT.byteLength,
            async *read({ from, to }) {
              yield CONTENT.subarray(from, to)
            },
          }
        : null
    const { a, b, ranges } = await start({ delivered: { open } })
    const ref = await give(a)
    await a.store.drop(video)
    assert.deepEqual(Buffer.from(await read(ranges, ref, 7, 70_000)), CONTENT.subarray(7, 70_000))
    const exchange = createBlobExchange({ mesh: a.mesh, store: a.store, clock, rng, log: silentLog })
    const whole = { ...ref, video, holders: [b.mesh.self], signal: AbortSignal.timeout(10_000) }
    await assert.rejects(exchange.fetch(whole), BlobMissing, 'a fetch is for blobs alone')
  })

  it('are missing where every peer lacks them, and away where one cannot say', async () => {
    const away: DeliveredBlobs['open'] = async () => {
      throw new LedgerUnavailable('away')
    }
    const { a, ranges } = await start()
    const ref = await give(a)
    await assert.rejects(read(ranges, ref, 0, 10), BlobMissing)
    for (const { mesh } of peers) await mesh.stop()
    const again = await start({ delivered: { open: away } })
    await assert.rejects(read(again.ranges, ref, 0, 10), PeerUnreachable)
  })

  it('are bounded in length, and in their number at once', async () => {
    let [open, most] = [0, 0]
    const { b, ranges } = await start({
      wrap: (mesh) =>
        breaking(
          mesh,
          ids[1],
          Number.POSITIVE_INFINITY,
          () => {},
          (change) => {
            open += change
            most = Math.max(most, open)
          },
        ),
    })
    const ref = await give(b)
    await assert.rejects(read(ranges, ref, 0, RANGE_BYTES_MAX + 1), RangeError)
    await assert.rejects(read(ranges, ref, 5, 5), RangeError)
    const all = Array.from({ length: 5 * RANGE_READS_AT_ONCE }, (_, at) => read(ranges, ref, at, at + 300_000))
    await Promise.all(all)
    assert.ok(most <= RANGE_READS_AT_ONCE && most > 1, `${most} at once`)
  })

  it('end with their signal', async () => {
    const { b, ranges } = await start()
    const ref = await give(b)
    const signal = AbortSignal.abort(new Error('the player is gone'))
    await assert.rejects(ranges.read({ ...ref, from: 0, to: 9, video, holders: ids, signal }), /the player is gone/)
  })
})

/** A mesh whose streams from `peer` break after so many bytes; says what was asked, and when streams open and end. */
function breaking(
  mesh: Mesh,
  peer: PeerId,
  bytes: number,
  onAsk: (peer: PeerId, request: string) => void,
  onStream: (change: 1 | -1) => void = () => {},
): Mesh {
  return {
    self: mesh.self,
    peers: () => mesh.peers(),
    open: async (to: PeerId, protocol: 'blob', signal: AbortSignal): Promise<MeshStream> => {
      const stream = await mesh.open(to, protocol, signal)
      onStream(1)
      let isOpen = true
      return {
        peer: stream.peer,
        source: to === peer ? until(stream.source, bytes) : stream.source,
        async sink(source) {
          const pieces: Uint8Array[] = []
          for await (const piece of source) pieces.push(piece)
          onAsk(to, Buffer.concat(pieces).toString())
          await stream.sink(pieces)
        },
        abort(reason) {
          if (isOpen) onStream(-1)
          isOpen = false
          stream.abort(reason)
        },
      }
    },
  } as Partial<Mesh> as Mesh
}

async function* until(source: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes
  for await (const piece of source) {
    yield piece
    left -= piece.byteLength
    if (left <= 0) throw new PeerUnreachable('the peer died')
  }
}

/**
 * Ranges of blobs of other peers, read into memory, by the contract of `protocol/blobs.ts`. The request is that of a fetch, with a length; a peer that
 * knows `delivered` also reads what it has delivered. The peer that served a blob last is asked first: a player asks for range after range.
 */
import { pipe } from 'it-pipe'
import type { BlobRanges, BlobTraffic } from '../protocol/blobs.ts'
import type { Clock, Rng } from '../protocol/clock.ts'
import { BlobMissing, PeerUnreachable, sentence } from '../protocol/errors.ts'
import type { PeerId, Sha256 } from '../protocol/ids.ts'
import { RANGE_BYTES_MAX, RANGE_READS_AT_ONCE, STREAM_SILENCE_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import { remember } from '../protocol/remember.ts'
import { watchSilence } from './blob-wire.ts'
import { ask, atMost, candidates } from './fetch-blob.ts'
import { createTurns } from './turns.ts'

/** Blobs whose last giver is remembered; beyond it the oldest are dropped. */
const GIVERS_MAX = 1_000

/** What ranges are read over. */
export interface BlobRangesOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  /** Counts what arrives. */
  readonly traffic?: BlobTraffic
}

type Want = Parameters<BlobRanges['read']>[0]

/** A range while it arrives: its memory, and how much of it is there. */
interface Arriving {
  readonly memory: Uint8Array
  bytes: number
}

/** Reads ranges over this mesh, `RANGE_READS_AT_ONCE` at once. */
export function createBlobRanges(options: BlobRangesOptions): BlobRanges {
  const { mesh, rng } = options
  const turns = createTurns(RANGE_READS_AT_ONCE)
  const givers = new Map<Sha256, PeerId>()

  async function readFrom(peers: readonly PeerId[], want: Want, arriving: Arriving): Promise<boolean> {
    let mayHave = false
    for (const peer of peers) {
      want.signal.throwIfAborted()
      const outcome = await receive(peer, want, { arriving, options })
      if (arriving.bytes === arriving.memory.byteLength) {
        remember(givers, want.sha256, peer, GIVERS_MAX)
        return true
      }
      mayHave ||= outcome !== 'missing'
    }
    if (mayHave) throw new PeerUnreachable(`no peer sends blob ${want.sha256.slice(0, 12)}… now`)
    return false
  }

  return {
    async read(want) {
      const { sha256, from, to, signal } = want
      if (!(from < to && to - from <= RANGE_BYTES_MAX)) throw new RangeError(`no range to read at once: ${from}-${to}`)
      const release = await turns(signal)
      try {
        const arriving: Arriving = { memory: new Uint8Array(to - from), bytes: 0 }
        const last = givers.get(sha256)
        const others = candidates({ mesh, rng, holders: new Set(want.holders), badSenders: new Set() }, new Set())
        const peers = last && mesh.peers().includes(last) ? [last, ...others.filter((peer) => peer !== last)] : others
        if (await readFrom(peers, want, arriving)) return arriving.memory
        throw new BlobMissing(sha256)
      } finally {
        release()
      }
    },
  }
}

/** Adds what this peer sends. `broke`: it may have the blob, and sends no more of it now. */
async function receive(
  peer: PeerId,
  want: Want,
  { arriving, options }: { readonly arriving: Arriving; readonly options: BlobRangesOptions },
): Promise<'answered' | 'missing' | 'broke'> {
  const { clock, log, traffic } = options
  const { sha256, video, bytes, from, signal } = want
  const [offset, length] = [from + arriving.bytes, arriving.memory.byteLength - arriving.bytes]
  try {
    await using asked = await ask({ v: 1, sha256, video, offset, length, delivered: true }, peer, {
      ...options,
      signal,
    })
    const { answer } = asked
    if (!answer.ok) return answer.why === 'busy' ? 'broke' : 'missing'
    if (answer.bytes !== bytes || answer.length !== length) return 'missing'
    await pipe(
      watchSilence(asked.rest, { clock, ms: STREAM_SILENCE_MS, onSilence: asked.stream.abort }),
      (source) => atMost(source, length, traffic),
      async (source) => {
        for await (const piece of source) {
          arriving.memory.set(piece, arriving.bytes)
          arriving.bytes += piece.byteLength
        }
      },
    )
    return 'answered'
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof PeerUnreachable)) throw error
    log.debug('range of a blob interrupted', { sha256, peer, offset: from + arriving.bytes, error: sentence(error) })
    return 'broke'
  }
}

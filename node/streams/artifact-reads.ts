/**
 * Reads ranges of artifacts, wherever their bytes lie: in the own store, where this peer delivered them, or with another peer. Where one place
 * fails in the midst, another one continues, and where none does it is waited for: a player that has begun could only begin again. Nothing is copied into the store: a node that serves holds a piece of each read in its memory.
 */
import { open } from 'node:fs/promises'
import type { Artifact } from '../../protocol/artifact.ts'
import type { BlobRanges, BlobStore, ByteRange, DeliveredBlobs } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { BlobMissing, LedgerUnavailable, sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { RANGE_BYTES_MAX } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { fsPath } from '../../protocol/path-text.ts'
import type { Video } from '../../protocol/video.ts'
import { StreamRefused } from './streams.ts'

/** Reads what videos name. */
export interface ArtifactReads {
  /** The bytes of a range of an artifact. Rejects with `StreamRefused` and with the signal's reason, also after some pieces. */
  read(video: Video, artifact: Artifact, range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** Where bytes may lie. */
export interface ArtifactReadsOptions {
  readonly self: PeerId
  readonly store: Pick<BlobStore, 'find' | 'list'>
  readonly delivered: DeliveredBlobs
  readonly ranges: BlobRanges
  /** Connected peers now. */
  peers(): readonly PeerId[]
  readonly clock: Pick<Clock, 'mono' | 'sleep'>
  readonly log: Log
}

type Reading = Parameters<ArtifactReads['read']>
/** Reads from one place; null where the bytes do not lie there. */
type Place = (...reading: Reading) => Promise<AsyncIterable<Uint8Array> | null>

/** Read from the disk and passed on at once. */
const PIECE_BYTES = 256 * 1024
/** How long a read that has begun waits for a peer that sends, and how often it asks, ms. */
const [PATIENCE_MS, ASK_MS] = [15_000, 500]

/** Reads from these places. */
export function createArtifactReads(options: ArtifactReadsOptions): ArtifactReads {
  const { store, delivered, log } = options

  const stored: Place = async ({ _id }, { sha256 }, range, signal) => {
    // The store would look in the folders of all videos.
    if (!(await store.list(_id)).includes(sha256)) return null
    const path = await store.find(sha256, _id)
    return path === null ? null : fileRange(path, range, signal)
  }
  const deliveredHere: Place = async ({ _id }, { sha256 }, range, signal) =>
    (await delivered.open(sha256, _id, signal))?.read(range, signal) ?? null
  const elsewhere: Place = async (...reading) => fromPeers(options, ...reading)

  return {
    async *read(video, artifact, { from, to }, signal) {
      let at = from
      for (const place of [stored, deliveredHere, elsewhere]) {
        try {
          for await (const piece of (await place(video, artifact, { from: at, to }, signal)) ?? []) {
            yield piece
            at += piece.byteLength
          }
        } catch (error) {
          signal.throwIfAborted()
          if (place === elsewhere || error instanceof LedgerUnavailable) throw error
          log.info('a result cannot be read here', { video: video._id, path: artifact.path, error: sentence(error) })
        }
        if (at === to) return
      }
    },
  }
}

async function* fileRange(path: string, { from, to }: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await open(fsPath(path), 'r')
  try {
    for (let at = from; at < to; ) {
      signal.throwIfAborted()
      const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, to - at))
      const { bytesRead } = await file.read(piece, 0, piece.byteLength, at)
      if (bytesRead === 0) throw new Error(`${path} is shorter than it was`)
      yield piece.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

async function* fromPeers(
  { self, ranges, peers, clock }: ArtifactReadsOptions,
  ...[video, artifact, { from, to }, signal]: Reading
): AsyncGenerator<Uint8Array> {
  const { sha256, bytes } = artifact
  const owners = video.deliveries.filter(({ done_at }) => done_at !== null).map(({ peer }) => peer)
  const holders = [...new Set([...artifact.holders, ...owners])].filter((peer) => peer !== self)
  let sentAt = clock.mono()
  for (let at = from; at < to; ) {
    const range = { from: at, to: Math.min(to, at + RANGE_BYTES_MAX) }
    try {
      yield await ranges.read({ sha256, bytes, ...range, video: video._id, holders, signal })
      at = range.to
      sentAt = clock.mono()
    } catch (error) {
      signal.throwIfAborted()
      const connected = peers()
      const isMissing = video.status === 'COMPLETED' && error instanceof BlobMissing
      const isGone = isMissing && holders.every((peer) => connected.includes(peer))
      if (isGone || at === from || clock.mono() - sentAt > PATIENCE_MS) throw refusal(video, artifact, isGone, error)
      await clock.sleep(ASK_MS, signal)
    }
  }
}

function refusal({ name }: Video, { path }: Artifact, isGone: boolean, cause: unknown): StreamRefused {
  const file = path.replaceAll('{name}', () => name)
  return isGone
    ? new StreamRefused(
        'bytes_gone',
        `nobody has ${file} any more: where it was delivered it was moved or changed; submit the film again to have it made anew`,
        { cause },
      )
    : new StreamRefused('bytes_away', `nobody who may have ${file} sends it now; ask again in a moment`, { cause })
}

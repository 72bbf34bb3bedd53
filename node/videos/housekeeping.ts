/**
 * Housekeeping removes from this peer's own store: intermediates once a video is COMPLETED, results and fetched sources once all its
 * deliveries are done, and blobs of FAILED and CANCELLED videos after a day. Sources are never touched. Fetched inputs stay for other
 * renditions of their chunks, until the disk becomes full.
 */
import { type BlobStore, leastFree } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId, Sha256, VideoId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { FAILED_RETENTION_MS, VIDEOS_ASKED_AT_ONCE } from '../../protocol/limits.ts'
import { isOpen, isUndelivered, type Video } from '../../protocol/video.ts'
import type { PendingSubmits } from './pending-submits.ts'

/** What to retain of a video. */
export type Retention = 'all' | 'results' | 'nothing'

/** What to retain of a video, by its document (null: the ledger has none) and the ledger's time (ms). Pure. */
export function whatToRetain(video: Video | null, now: number): Retention {
  if (video === null) return 'nothing'
  if (video.status === 'COMPLETED') {
    return isUndelivered(video) || video.deliveries.length === 0 ? 'results' : 'nothing'
  }
  const ended = video.status === 'FAILED' || video.status === 'CANCELLED'
  return ended && now - (video.ended_at ?? now) > FAILED_RETENTION_MS ? 'nothing' : 'all'
}

/**
 * One pass over the store; answers the number of its videos. A video whose submit is under way may not be in the ledger yet: `pendingSubmits` has it. Rejects with
 * `LedgerUnavailable` and with errors of the file system.
 */
export async function runHousekeeping(options: {
  self: PeerId
  ledger: Ledger
  store: BlobStore & { tidy?(now: number): Promise<void> }
  pendingSubmits: Pick<PendingSubmits, 'has' | 'begun'>
  clock: Clock
}): Promise<number> {
  const { ledger, store, pendingSubmits } = options
  const now = await ledger.now()
  const isShort = await isShortOfRoom(store)
  const all = await store.videos()
  for (let at = 0; at < all.length; at += VIDEOS_ASKED_AT_ONCE) {
    const ids = all.slice(at, at + VIDEOS_ASKED_AT_ONCE).filter((id) => !pendingSubmits.has(id))
    const submits = pendingSubmits.begun()
    const videos = new Map((await ledger.videos({ ids })).map((video) => [video._id, video]))
    for (const id of ids) {
      // A submit that began while the ledger was asked makes its answer out of date, also one that is confirmed by now.
      if (pendingSubmits.begun() === submits) await tidyVideo(id, videos.get(id) ?? null, { ...options, now, isShort })
    }
  }
  await store.tidy?.(options.clock.now())
  return all.length
}

async function tidyVideo(
  id: VideoId,
  video: Video | null,
  tidying: { self: PeerId; ledger: Ledger; store: BlobStore; now: number; isShort: boolean },
): Promise<void> {
  const { store, now, isShort } = tidying
  const retained = whatToRetain(video, now)
  if (retained === 'nothing') await store.drop(id)
  else if (retained === 'results') await store.prune(id, new Set(video?.outputs.map((output) => output.sha256)))
  else if (isShort && video && isOpen(video.status)) await removeInputs(video, tidying)
}

/** Whether the free space is below twice the limit at which this peer stops claiming. */
async function isShortOfRoom(store: BlobStore): Promise<boolean> {
  const { freeBytes, totalBytes } = await store.room()
  return freeBytes < 2 * leastFree(totalBytes)
}

/** Removes inputs for which this peer is not named as holder and has no claim. They can be fetched again. Never a source. */
async function removeInputs(
  { _id: video, source }: Video,
  { self, ledger, store }: { self: PeerId; ledger: Ledger; store: BlobStore },
): Promise<void> {
  const [fetched, needed] = [new Set<Sha256>(), new Set([source.sha256])]
  const kinds = kindsWhere(({ outputCollected }) => outputCollected)
  for (const { input, output, claims } of await ledger.tasks({ video, kinds })) {
    const isHeld = input?.holders.includes(self) || claims.some(({ worker_id }) => worker_id === self)
    if (input) (isHeld ? needed : fetched).add(input.sha256)
    if (output) needed.add(output.sha256)
  }
  for (const sha256 of await store.list(video))
    if (fetched.has(sha256) && !needed.has(sha256)) await store.remove(sha256, video)
}

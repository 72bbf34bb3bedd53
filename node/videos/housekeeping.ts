/**
 * What a peer may forget of its own store: intermediates once a video is COMPLETED, results and fetched sources once every
 * delivery is recorded, the blobs of ended videos after a day. Nobody deletes on another peer. Sources are never touched.
 */
import type { BlobStore } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { KEEP_FAILED_MS } from '../../protocol/limits.ts'
import { isOwed, type Video } from '../../protocol/video.ts'
import type { Young } from './young.ts'

export type Keeping = { readonly keep: 'all' } | { readonly keep: 'results' } | { readonly keep: 'nothing' }

/** Pure: what to keep of a video, by its document (null: the ledger does not know it) and the ledger's time. */
export function whatToKeep(video: Video | null, now: number): Keeping {
  if (video === null) return { keep: 'nothing' }
  if (video.status === 'COMPLETED') {
    return { keep: isOwed(video) || video.deliveries.length === 0 ? 'results' : 'nothing' }
  }
  const ended = video.status === 'FAILED' || video.status === 'CANCELLED'
  return { keep: ended && now - (video.ended_at ?? now) > KEEP_FAILED_MS ? 'nothing' : 'all' }
}

/** One pass over the store. A video submitted this moment may not be in the ledger yet: `young` names those. */
export async function keepHouse(options: {
  ledger: Ledger
  store: BlobStore & { tidy?(now: number): Promise<void> }
  young: Pick<Young, 'has'>
  clock: Clock
}): Promise<void> {
  const { ledger, store, young } = options
  const now = await ledger.now()
  for (const id of await store.videos()) {
    if (young.has(id)) continue
    const video = await ledger.video(id)
    const { keep } = whatToKeep(video, now)
    // Submitted again while the ledger was asked: its answer is an old one.
    if (young.has(id)) continue
    if (keep === 'nothing') await store.drop(id)
    else if (keep === 'results') await store.prune(id, new Set(video?.outputs.map((output) => output.sha256)))
  }
  await store.tidy?.(options.clock.now())
}

/** Why each of many videos makes no progress, as the events of stillness need it: without all else that a row of a status holds. */
import { isEvent } from '../../protocol/events.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger, LedgerEvent } from '../../protocol/ledger.ts'
import type { VideoRow } from '../../protocol/status.ts'
import { isAwaitingDelivery, type Video } from '../../protocol/video.ts'
import type { createStillVideos } from './still-videos.ts'

/** A video, and why it makes no progress; null where it makes some. */
export type StillVideo = Pick<VideoRow, 'id' | 'name' | 'still'>

/** The parts that it is made from. */
export interface VideoStillnessOptions {
  readonly ledger: Pick<Ledger, 'progress'>
  /** The newest events, in which problems of deliveries of other peers are. */
  events(): Promise<readonly LedgerEvent[]>
  /** Why deliveries of this peer fail now, by video. */
  problems(): ReadonlyMap<VideoId, string>
  readonly stillOf: ReturnType<typeof createStillVideos>
}

/** Makes the function that answers it of these videos, in their order. It rejects with `LedgerUnavailable`. */
export function createVideoStillness({
  ledger,
  events,
  problems,
  stillOf,
}: VideoStillnessOptions): (videos: readonly Video[]) => Promise<StillVideo[]> {
  return async (videos) => {
    if (videos.length === 0) return []
    const own = problems()
    const isElsewhere = (video: Video) => isAwaitingDelivery(video) && !own.has(video._id)
    const [progress, newest] = await Promise.all([
      ledger.progress(videos.map(({ _id }) => _id)),
      videos.some(isElsewhere) ? events() : [],
    ])
    const failed = new Map(
      newest.flatMap((event) => (isEvent(event, 'delivery_failed') ? [[event.video, event.text] as const] : [])),
    )
    const still = await stillOf(
      videos,
      progress,
      (video) => own.get(video._id) ?? (isElsewhere(video) ? failed.get(video._id) : undefined),
    )
    return videos.map(({ _id: id, name }) => ({ id, name, still: still.get(id) ?? null }))
  }
}

/** The tasks that an ingest inserts for a plan, and how far ahead of the encoders it may cut. Pure. */
import { keyIn } from '../../protocol/claim-order.ts'
import { taskId } from '../../protocol/ids.ts'
import { type KindFacts, kindFacts } from '../../protocol/kinds.ts'
import type { Counts } from '../../protocol/ledger.ts'
import { WINDOW_CHUNKS, WINDOW_SHARE_MIN } from '../../protocol/limits.ts'
import { type Plan, planSeconds, rankOf } from '../../protocol/plan.ts'
import { soundClass } from '../../protocol/sound-plan.ts'
import { type NewTask, type TaskInput, wholeVideoTask } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'

/**
 * The first key of a planned video: created_at + the duration of the source, so that a short video is done before a long one and none starves;
 * with a deadline the latest start that would hold it. The leader orders it anew by measured speeds.
 */
export function dueOf(video: Pick<Video, 'created_at' | 'deadline'>, plan: Plan): number {
  const duration = Math.round(planSeconds(plan) * 1000)
  // Without a measured speed an encode is assumed to take as long as the source.
  return video.deadline === null ? video.created_at + duration : keyIn('held', video.deadline - duration)
}

/** One task for each rendition of the chunk, with the key that the video has now. Throws `RangeError` where the plan has no such chunk. */
export function chunkTasks(video: Video, plan: Plan, chunk_id: number, input: TaskInput): NewTask[] {
  const chunk = plan.chunks[chunk_id]
  if (!chunk) throw new RangeError(`the plan has no chunk ${chunk_id}`)
  const { start_pts, end_pts, frames } = chunk
  return plan.renditions.map((rendition) => ({
    _id: taskId(video._id, rendition.id, chunk_id),
    kind: 'video',
    class: rendition.class,
    video_id: video._id,
    chunk_id,
    resolution: rendition.id,
    start_pts,
    end_pts,
    time_base: plan.time_base.join('/'),
    frames,
    input,
    priority: video.priority,
    due: video.due,
    rank: rankOf(plan, rendition, chunk_id),
  }))
}

/** The task that encodes the audio. */
export function audioTask(video: Video, plan: Plan, input: TaskInput): NewTask {
  return {
    ...wholeVideoTask({ ...video, due: dueOf(video, plan) }, 'audio'),
    class: soundClass(plan, 'audio'),
    start_pts: plan.start_pts,
    end_pts: plan.end_pts,
    time_base: plan.time_base.join('/'),
    input,
  }
}

/** Whether tasks of a kind are what chunks are cut for; audits work on chunks that are there. */
const isCutFor = ({ scope, countsAsEncode }: KindFacts): boolean => scope === 'chunk' && countsAsEncode

/**
 * Whether another chunk may be cut: the PENDING tasks of the video are fewer than its share of the window, which the ingests of this peer
 * divide among them. `slots`: number of encode slots in the mesh.
 */
export function hasRoomInWindow(of: {
  readonly counts: Counts
  readonly renditions: number
  readonly slots: number
  readonly ingests: number
}): boolean {
  const window = Math.max(WINDOW_CHUNKS.min, WINDOW_CHUNKS.perSlot * of.slots)
  const most = Math.max(WINDOW_SHARE_MIN, Math.ceil(window / of.ingests)) * of.renditions
  const pending = of.counts
    .filter(({ status, kind }) => status === 'PENDING' && isCutFor(kindFacts(kind)))
    .reduce((sum, { count }) => sum + count, 0)
  return pending < most
}

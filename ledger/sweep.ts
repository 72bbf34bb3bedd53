/**
 * The sweep: makes tasks agree with their videos after a process died between two writes. The video decides. Safe at any time and by any peer:
 * every write is a compare-and-set of its own, and a second sweep changes nothing.
 *
 * A task that was inserted after its video had ended, or lost its output while that was COMPLETED, is cancelled; one that was cancelled although its video is open is
 * PENDING again; a missing task that the state of its video requires is inserted; priority, due and term follow the video and the lease.
 * FAILED tasks of open videos stay: whether the video fails is the leader's decision.
 */

import type { VideoId } from '../protocol/ids.ts'
import type { Counts } from '../protocol/ledger.ts'
import { INSERT_BATCH } from '../protocol/limits.ts'
import { type NewTask, requiredTasks } from '../protocol/task.ts'
import { isOpen, OPEN_STATUSES, type Video } from '../protocol/video.ts'
import type { Steps } from './steps.ts'
import { alignmentOf } from './two-writes.ts'

export async function sweep(steps: Steps, term: number): Promise<{ repaired: number }> {
  const working = await steps.videosWithOpenTasks()
  const open = await steps.videos({ statuses: OPEN_STATUSES })
  let repaired = await cancelTasksOfEndedVideos(steps, { term, working, open })
  const counts = open.length > 0 ? await steps.progress(open.map(({ _id }) => _id)) : new Map<VideoId, Counts>()
  for (const video of open)
    if (counts.get(video._id)?.some(({ status }) => status === 'CANCELLED')) repaired += await reviveTasks(steps, video)
  const isThere = ({ video_id, kind, resolution }: NewTask) =>
    counts.get(video_id)?.some((each) => each.kind === kind && each.resolution === resolution)
  const missing = open.flatMap(requiredTasks).filter((task) => !isThere(task))
  if (missing.length > 0) repaired += await insertInBatches(steps, missing)
  const align = open.map(alignmentOf)
  if (align.length > 0) repaired += await steps.alignTasks(align, term)
  return { repaired: repaired + (await steps.stampTerm(term)) }
}

/** `working`: videos with open tasks, read before the `open` ones: one that is among both has not ended. */
async function cancelTasksOfEndedVideos(
  steps: Steps,
  {
    term,
    working,
    open,
  }: { readonly term: number; readonly working: readonly VideoId[]; readonly open: readonly Video[] },
): Promise<number> {
  let cancelled = 0
  const are = new Set(open.map(({ _id }) => _id))
  for (const id of working.filter((each) => !are.has(each))) {
    const video = await steps.video(id)
    if (!video || isOpen(video.status)) continue
    // People fail or cancel videos in any term; only the newest leader may act on a COMPLETED one.
    if (video.status === 'COMPLETED' && video.coordinator_term > term) continue
    cancelled += await steps.cancelTasks(id)
    // Where the video was opened again meanwhile, its tasks are needed.
    const now = await steps.video(id)
    if (now && isOpen(now.status)) await steps.reviveTasks(id, ['CANCELLED'])
  }
  return cancelled
}

/** Revives tasks of an open video, and reads it again afterwards: one that was cancelled meanwhile has its tasks cancelled again. */
async function reviveTasks(steps: Steps, { _id }: Video): Promise<number> {
  const revived = await steps.reviveTasks(_id, ['CANCELLED'])
  const now = revived > 0 ? await steps.video(_id) : null
  if (now && !isOpen(now.status)) await steps.cancelTasks(_id)
  return revived
}

async function insertInBatches(steps: Steps, tasks: readonly NewTask[]): Promise<number> {
  let inserted = 0
  for (let from = 0; from < tasks.length; from += INSERT_BATCH) {
    inserted += await steps.insertTasks(tasks.slice(from, from + INSERT_BATCH))
  }
  return inserted
}

/**
 * Pulls outputs to the leader as they complete, so that two hosts hold each, and notices outputs that nobody has any more:
 * a task whose output no holder offers for `LOST_AFTER_MS` goes back to PENDING; an ingest task does when an input is gone.
 */
import { BlobMissing } from '../../protocol/errors.ts'
import { BLOB_FETCHES_AT_ONCE, LOST_AFTER_MS } from '../../protocol/limits.ts'
import { type TaskId, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/task.ts'
import type { HeldBlob } from '../../protocol/video.ts'
import type { Duty, TermContext } from '../coordinator.ts'

export function createCollect(context: TermContext): Duty {
  const { ledger, store, exchange, clock, self, term, log } = context
  /** Tasks whose output is known to be here: asked of the disk once. */
  const here = new Set<TaskId>()
  /** COMPLETED tasks of a video when all of them were last looked at. */
  const seen = new Map<VideoId, number>()
  const missingSince = new Map<TaskId, number>()

  async function bring(video: VideoId, blob: HeldBlob, signal: AbortSignal): Promise<'here' | 'missing'> {
    try {
      await exchange.fetch({ ...blob, video, signal })
      return 'here'
    } catch (error) {
      if (error instanceof BlobMissing) return 'missing'
      throw error
    }
  }

  /** True once the blob has been missing long enough to believe it. */
  const isLost = (task: TaskId): boolean => {
    const since = missingSince.get(task) ?? clock.mono()
    missingSince.set(task, since)
    return clock.mono() - since >= LOST_AFTER_MS
  }

  async function collectOutput(task: Task, signal: AbortSignal): Promise<void> {
    const output = task.output
    if (!output || here.has(task._id)) return
    if ((await bring(task.video_id, output, signal)) === 'here') {
      here.add(task._id)
      missingSince.delete(task._id)
      if (!output.holders.includes(self)) await ledger.addTaskHolder(task._id, output.sha256, self)
    } else if (isLost(task._id) && task.completed_attempt !== null) {
      missingSince.delete(task._id)
      const lost = await ledger.loseOutput(task._id, { completed_attempt: task.completed_attempt, term })
      if (lost === 'changed') await tellLost(task, 'its output has no holder any more and is made again')
    }
  }

  async function tellLost(task: Task, text: string): Promise<void> {
    log.warn('a blob is lost', { task: task._id })
    context.hint({ what: 'tasks', video: task.video_id })
    await ledger.addEvent({ what: 'blob_lost', peer: null, video: task.video_id, text: `${task._id}: ${text}` })
  }

  /** A task waits whose input nobody has: the ingest task is asked to cut again. */
  async function checkInput(task: Task, signal: AbortSignal): Promise<void> {
    const input = task.input
    if (!input || !task.failures.some((failure) => failure.code === 'input_missing')) return
    if ((await store.find(input.sha256, task.video_id)) !== null) return
    const holders = await exchange.whoHas({ sha256: input.sha256, video: task.video_id, peers: input.holders, signal })
    if (holders.length > 0 || !isLost(task._id)) return
    missingSince.delete(task._id)
    const ingest = await ledger.task(taskId(task.video_id, 'ingest'))
    if (!ingest || ingest.completed_attempt === null) return
    const lost = await ledger.loseOutput(ingest._id, { completed_attempt: ingest.completed_attempt, term })
    if (lost === 'changed') await tellLost(task, 'its input has no holder any more and is cut again')
  }

  return {
    name: 'collect',
    async round(signal) {
      const videos = await ledger.videos({ statuses: ['RUNNING', 'MERGING'] })
      const progress = await ledger.progress(videos.map((video) => video._id))
      for (const video of videos) {
        const completed = (progress.get(video._id) ?? []).filter((each) => each.status === 'COMPLETED').reduce((sum, each) => sum + each.count, 0)
        // Reading every finished task of a long film twice a second would be most of the leader's work.
        if (seen.get(video._id) === completed && missingSince.size === 0) continue
        const done = await ledger.tasks({ video: video._id, kinds: ['video', 'audio'], statuses: ['COMPLETED'] })
        const news = done.filter((task) => !here.has(task._id))
        for (let at = 0; at < news.length && !signal.aborted; at += BLOB_FETCHES_AT_ONCE) {
          await Promise.all(news.slice(at, at + BLOB_FETCHES_AT_ONCE).map((task) => collectOutput(task, signal)))
        }
        seen.set(video._id, completed)
        const waiting = await ledger.tasks({ video: video._id, kinds: ['video', 'audio'], statuses: ['PENDING'] })
        for (const task of waiting) if (!signal.aborted) await checkInput(task, signal)
      }
    },
  }
}

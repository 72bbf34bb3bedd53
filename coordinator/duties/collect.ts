/**
 * Pulls outputs to the leader as they complete, so that two hosts hold each, and notices blobs that nobody has any more: an
 * output lost sends its task back to PENDING, an input lost has the ingest cut it again, a result lost (while a delivery is
 * open) has the video merged again.
 */
import { BlobMissing } from '../../protocol/errors.ts'
import { type TaskId, taskId, type VideoId } from '../../protocol/ids.ts'
import { type KindFacts, kindsWhere } from '../../protocol/kinds.ts'
import { BLOB_FETCHES_AT_ONCE, SILENCE_MS, SOURCE_LOST_AFTER_MS } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'
import { type HeldBlob, isOpen, OPEN_STATUSES, type Video } from '../../protocol/video.ts'
import type { Duty, TermContext } from '../duty.ts'
import { createLossJudge } from '../policy/loss.ts'
import { whereabouts } from '../whereabouts.ts'

/** Kinds whose inputs and outputs are looked after. */
const collectedKinds = () => kindsWhere(({ outputCollected }) => outputCollected)

/** What is known of one video while it is RUNNING or MERGING. */
interface Collected {
  /** Tasks whose output is known to be here: asked of the disk once, and again when a merge misses one. */
  readonly here: Set<TaskId>
  /** COMPLETED tasks and failures of the merge when all there was had been brought here. */
  seen: string | null
  /** The last attempt of the merge that missed something. */
  missed: number
}

export type CollectContext = Pick<
  TermContext,
  'self' | 'term' | 'ledger' | 'store' | 'exchange' | 'clock' | 'emit' | 'hints'
>

export function createCollect(context: CollectContext): Duty {
  const { ledger, store, exchange, clock, self, term } = context
  const collected = new Map<VideoId, Collected>()
  const loss = createLossJudge({ clock })
  let inputsAt = Number.NEGATIVE_INFINITY

  /** Brings the blob here; `lost` once it is sure enough that nobody has it. */
  async function bring(video: VideoId, blob: HeldBlob, signal: AbortSignal): Promise<'here' | 'missing' | 'lost'> {
    try {
      await exchange.fetch({ ...blob, video, signal })
      loss.found(blob.sha256)
      return 'here'
    } catch (error) {
      if (!(error instanceof BlobMissing)) throw error
      return (await isLost(video, blob, signal)) ? 'lost' : 'missing'
    }
  }

  /** Asks its holders by name: one that was away a moment ago and is back now may have it. */
  async function isLost(video: VideoId, blob: HeldBlob, signal: AbortSignal, afterMs?: number): Promise<boolean> {
    const { isSomewhere, lacks } = await whereabouts(blob, { store, exchange, video, signal })
    if (!isSomewhere) return !signal.aborted && loss.isLost(blob, [self, ...lacks], afterMs)
    loss.found(blob.sha256)
    return false
  }

  async function collectOutput(task: Task, here: Set<TaskId>, signal: AbortSignal): Promise<void> {
    const { output, completed_attempt } = task
    if (!output || completed_attempt === null) return
    const got = await bring(task.video_id, output, signal)
    if (got === 'here') {
      here.add(task._id)
      if (!output.holders.includes(self)) await ledger.addTaskHolder(task._id, output.sha256, self)
    } else if (
      got === 'lost' &&
      (await isWanted(task.video_id)) &&
      (await ledger.loseOutput(task._id, { completed_attempt, term })) === 'changed'
    ) {
      await emitLost(`the output of task ${task._id}`, task.video_id)
    }
  }

  /** Whether its chunks are still needed: once it is COMPLETED every peer drops them, and that is no loss. */
  async function isWanted(video: VideoId): Promise<boolean> {
    const now = await ledger.video(video)
    return now !== null && isOpen(now.status)
  }

  async function emitLost(blob: string, video: VideoId): Promise<void> {
    context.hints.publish({ what: 'tasks', video })
    await context.emit({ code: 'blob_lost', video, blob })
  }

  /** Looks through a video's outputs when something completed, a merge missed one, or not all were here the last time. */
  async function collectOutputs(video: Video, completed: number, signal: AbortSignal): Promise<void> {
    const misses = video.status === 'MERGING' ? await missedBy(video._id) : 0
    const now = `${completed}/${misses}`
    const known: Collected = collected.get(video._id) ?? { here: new Set(), seen: null, missed: 0 }
    collected.set(video._id, known)
    if (known.seen === now) return
    const { here } = known
    const done = await ledger.tasks({ video: video._id, kinds: collectedKinds(), statuses: ['COMPLETED'] })
    if (misses !== known.missed) here.clear()
    known.missed = misses
    const areExtrasHere = await collectExtras(video, here, signal)
    const news = done.filter((task) => !here.has(task._id))
    for (let at = 0; at < news.length && !signal.aborted; at += BLOB_FETCHES_AT_ONCE) {
      await Promise.all(news.slice(at, at + BLOB_FETCHES_AT_ONCE).map((task) => collectOutput(task, here, signal)))
    }
    known.seen = areExtrasHere && done.every(({ _id, output }) => output === null || here.has(_id)) ? now : null
  }

  /** The last attempt at the results that missed one of its inputs; 0: none. */
  async function missedBy(video: VideoId): Promise<number> {
    const makers = await tasksOf(video, ({ outputs }) => outputs === 'results')
    const attempts = makers.flatMap(({ failures }) =>
      failures.filter((failure) => failure.code === 'input_missing').map(({ attempt }) => attempt),
    )
    return attempts.at(-1) ?? 0
  }

  async function tasksOf(video: VideoId, are: (facts: KindFacts) => boolean): Promise<Task[]> {
    const found = await Promise.all(kindsWhere(are).map((kind) => ledger.task(taskId(video, kind))))
    return found.filter((task) => task !== null)
  }

  /** Files such as subtitles, which only the task that cuts can make again. Answers whether all there are are here. */
  async function collectExtras(video: Video, here: Set<TaskId>, signal: AbortSignal): Promise<boolean> {
    for (const task of await tasksOf(video._id, ({ outputs }) => outputs === 'intermediate')) {
      if (task.status !== 'COMPLETED' || here.has(task._id)) continue
      for (const extra of task.outputs) {
        const got = await bring(video._id, extra, signal)
        if (got === 'lost') await cutAgain(video, `the extras of video ${video._id}`)
        if (got !== 'here') return false
        if (!extra.holders.includes(self)) await ledger.addTaskHolder(task._id, extra.sha256, self)
      }
      here.add(task._id)
    }
    return true
  }

  /** Tasks that failed for want of their input: when nobody has it, the ingest task is asked to cut again. */
  async function checkInputs(video: Video, signal: AbortSignal): Promise<void> {
    const waiting = await ledger.tasks({
      video: video._id,
      kinds: collectedKinds(),
      statuses: ['PENDING'],
      tried: true,
    })
    for (const { _id, input, failures } of waiting) {
      if (!input || !failures.some((failure) => failure.code === 'input_missing')) continue
      if (await isLost(video._id, input, signal)) return cutAgain(video, `the input of task ${_id}`)
    }
  }

  async function cutAgain(video: Video, blob: string): Promise<void> {
    for (const { _id, completed_attempt } of await tasksOf(video._id, ({ createsTasks }) => createsTasks)) {
      if (completed_attempt === null || !(await isWanted(video._id))) continue
      if ((await ledger.loseOutput(_id, { completed_attempt, term })) === 'changed') await emitLost(blob, video._id)
    }
  }

  /** An ingest that failed for want of its source: when nobody has that any more, the video ends with the sentence. */
  async function checkSource(video: Video, signal: AbortSignal): Promise<void> {
    const readers = await tasksOf(video._id, ({ eligibility }) => eligibility === 'source')
    if (!readers.some(({ status, failures }) => status === 'PENDING' && failures.at(-1)?.code === 'input_missing'))
      return
    if (!(await isLost(video._id, video.source, signal, SOURCE_LOST_AFTER_MS))) return
    const failure = `${video.name}: the source is gone or was changed, and no peer has a copy; submit it again`
    if ((await ledger.failVideo(video._id, failure, term)) !== 'changed') return
    context.hints.publish({ what: 'tasks', video: video._id })
    await context.emit({ code: 'failed', peer: self, video: video._id, failure })
  }

  /** A video whose files are waited for, and whose result is gone, is merged again. */
  async function checkResults(video: Video, signal: AbortSignal): Promise<void> {
    for (const output of video.outputs) {
      if ((await bring(video._id, output, signal)) !== 'lost') continue
      if ((await ledger.reopenVideo(video._id, term)) === 'changed')
        await emitLost(`${output.path} of ${video.name}`, video._id)
      return
    }
  }

  return {
    name: 'collect',
    async round(signal) {
      const began = clock.mono()
      const open = await ledger.videos({ statuses: ['RUNNING', 'MERGING'] })
      const ids = new Set(open.map((video) => video._id))
      for (const id of collected.keys()) if (!ids.has(id)) collected.delete(id)
      const progress = await ledger.progress([...ids])
      for (const video of open) {
        const counts = progress.get(video._id) ?? []
        const completed = counts
          .filter((each) => each.status === 'COMPLETED')
          .reduce((sum, each) => sum + each.count, 0)
        await collectOutputs(video, completed, signal)
      }
      if (clock.mono() - inputsAt < SILENCE_MS) return
      inputsAt = clock.mono()
      for (const video of await ledger.videos({ statuses: [...OPEN_STATUSES] })) {
        if (signal.aborted) return
        await checkSource(video, signal)
        if (video.plan) await checkInputs(video, signal)
      }
      for (const video of await ledger.undeliveredVideos()) if (!signal.aborted) await checkResults(video, signal)
      if (!signal.aborted) loss.looked(began)
    },
  }
}

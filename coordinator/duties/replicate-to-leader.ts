/**
 * Fetches outputs to the leader as tasks complete, so that two machines hold each, and notices lost blobs: the task of a lost output becomes
 * PENDING, lost extras are made again by the ingest, and a video with a lost result is merged again while a delivery is open.
 */

import type { HeldBlob } from '../../protocol/blobs.ts'
import { BlobMissing } from '../../protocol/errors.ts'
import { type TaskId, taskId, type VideoId } from '../../protocol/ids.ts'
import { kindFacts, kindsWhere } from '../../protocol/kinds.ts'
import { BLOB_FETCHES_AT_ONCE, LOST_AFTER_MS, SILENCE_MS, SOURCE_LOST_AFTER_MS } from '../../protocol/limits.ts'
import { createPace, FEW, type Pace } from '../../protocol/pace.ts'
import type { Task } from '../../protocol/task.ts'
import { isOpen, type Video } from '../../protocol/video.ts'
import { cutAgain } from '../cut-again.ts'
import type { Duty, TermContext } from '../duty.ts'
import { type LocateOptions, locateBlob } from '../locate-blob.ts'
import { type KnownVideos, type Look, takeLook, type VideoReader } from '../open-videos.ts'
import { createLossDetector, type LossDetector } from '../policy/loss-detector.ts'

/** Kinds whose inputs and outputs this duty replicates. */
const replicatedKinds = () => kindsWhere(({ outputCollected }) => outputCollected)

/** What this leader knows about one RUNNING or MERGING video. */
interface KnownVideo {
  /** Tasks whose output is here: read from the disk once, and again when a merge misses one. */
  readonly here: Set<TaskId>
  /** COMPLETED tasks and failures of the merge, when all outputs up to then were here. */
  seen: string | null
  /** The last attempt of the merge that missed an input, and how long the merge has waited: what is here is then read again. */
  missed: string
}

/** The parts of the term that this duty uses. */
export type ReplicateToLeaderContext = Pick<
  TermContext,
  | 'self'
  | 'term'
  | 'openVideos'
  | 'ledger'
  | 'store'
  | 'exchange'
  | 'clock'
  | 'emit'
  | 'hints'
  | 'reachable'
  | 'undelivered'
>

/** Where blobs are looked for on this disk. */
type Here = LocateOptions['store']

/** The duty that replicates to the leader. Its state: what it knows about RUNNING and MERGING videos; a new leader reads it again. */
export function createReplicateToLeader(context: ReplicateToLeaderContext): Duty {
  const replicas = new LeaderReplicas(context)
  return { name: 'replicate_to_leader', round: (signal) => replicas.round(signal) }
}

class LeaderReplicas {
  readonly #context: ReplicateToLeaderContext
  readonly #blobs: LeaderBlobs
  readonly #known = new Map<VideoId, KnownVideo>()
  readonly #open: KnownVideos = new Map()
  readonly #reader: VideoReader
  /** The videos of which an output may not be here. */
  readonly #missing = new Set<VideoId>()
  readonly #pace: Pace

  constructor(context: ReplicateToLeaderContext) {
    this.#context = context
    this.#blobs = new LeaderBlobs(context)
    this.#reader = context.openVideos.reader()
    this.#pace = createPace(context.clock, SILENCE_MS)
  }

  async round(signal: AbortSignal): Promise<void> {
    const { undelivered, clock } = this.#context
    const began = clock.mono()
    await this.#reader.look(this.#missing, (look) => this.#replicateAll(look, signal))
    if (!this.#pace.isDue()) return
    this.#pace.looked(this.#context.openVideos.count())
    await this.#checkSources(signal)
    for (const video of await undelivered()) if (!signal.aborted) await this.#checkResults(video, signal)
    if (!signal.aborted) this.#blobs.endScan(began)
  }

  async #replicateAll(look: Look, signal: AbortSignal): Promise<void> {
    takeLook(this.#open, look)
    const { videos, counts, isAll } = look
    const open = videos.filter(({ status }) => status === 'RUNNING' || status === 'MERGING')
    const ids = new Set(open.map((video) => video._id))
    if (isAll) for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id)
    for (const id of this.#missing) if (!ids.has(id)) this.#missing.delete(id)
    for (const video of open) {
      const completed = (counts.get(video._id) ?? [])
        .filter(({ status }) => status === 'COMPLETED')
        .reduce((sum, { count }) => sum + count, 0)
      this.#missing.add(video._id)
      await this.#replicateOutputs(video, completed, signal)
      const lists = (counts.get(video._id) ?? []).filter(
        ({ kind, status }) => kindFacts(kind).outputs === 'parts' && status !== 'COMPLETED',
      )
      const mayListMore = video.recipe.package !== undefined && lists.length > 0
      if (mayListMore) for (const { kind } of lists) await this.#replicateParts(taskId(video._id, kind), signal)
      if (video.status === 'RUNNING' && this.#known.get(video._id)?.seen && !mayListMore)
        this.#missing.delete(video._id)
    }
  }

  /** Fetches the outputs of a video when a task completed, a merge missed one, or not all were here the last time. */
  async #replicateOutputs(video: Video, completed: number, signal: AbortSignal): Promise<void> {
    const missed = video.status === 'MERGING' ? await this.#missesOf(video._id) : ''
    const now = `${completed}/${missed}`
    const known: KnownVideo = this.#known.get(video._id) ?? { here: new Set(), seen: null, missed: '' }
    this.#known.set(video._id, known)
    if (known.seen === now) return
    const { here } = known
    const kinds = replicatedKinds()
    const done = await this.#context.ledger.tasks({ video: video._id, kinds, statuses: ['COMPLETED'] })
    if (missed !== known.missed) here.clear()
    known.missed = missed
    const areExtrasHere = await this.#replicateExtras(video, here, signal)
    const missing = done.filter((task) => !here.has(task._id))
    for (let at = 0; at < missing.length && !signal.aborted; at += BLOB_FETCHES_AT_ONCE) {
      const some = missing.slice(at, at + BLOB_FETCHES_AT_ONCE)
      await Promise.all(some.map((task) => this.#replicateOutput(task, here, signal)))
    }
    known.seen = areExtrasHere && done.every(({ _id, output }) => output === null || here.has(_id)) ? now : null
  }

  async #replicateOutput(task: Task, here: Set<TaskId>, signal: AbortSignal): Promise<void> {
    const { ledger, self, term } = this.#context
    const { output, completed_attempt } = task
    if (!output || completed_attempt === null) return
    const got = await this.#blobs.fetch(task.video_id, output, signal)
    if (got === 'here') {
      here.add(task._id)
      if (!output.holders.includes(self)) await ledger.addTaskHolder(task._id, output.sha256, self)
    } else if (
      got === 'lost' &&
      (await this.#isOpen(task.video_id)) &&
      (await ledger.loseOutput(task._id, { completed_attempt, term })) === 'changed'
    ) {
      await this.#emitLost(`the output of task ${task._id}`, task.video_id)
    }
  }

  /** Fetches the parts that a task lists while it runs, so that the death of its worker does not take them. Where they are lost they are made again. */
  async #replicateParts(id: TaskId, signal: AbortSignal): Promise<void> {
    const { ledger, self, reachable } = this.#context
    const task = await ledger.task(id)
    if (!task || task.status === 'COMPLETED') return
    const present = reachable()
    for (const part of task.outputs) {
      const isToBeHad = !part.holders.includes(self) && part.holders.some((peer) => present.includes(peer))
      if (signal.aborted || !isToBeHad) continue
      if ((await this.#blobs.fetch(task.video_id, part, signal)) !== 'here') return
      await ledger.addTaskHolder(id, part.sha256, self)
    }
  }

  /** Fetches the extras, such as subtitles, which only the ingest can make again. Answers whether all are here. */
  async #replicateExtras(video: Video, here: Set<TaskId>, signal: AbortSignal): Promise<boolean> {
    const { ledger, self } = this.#context
    const makers = kindsWhere(({ outputs }) => outputs === 'intermediate').map((kind) => taskId(video._id, kind))
    for (const id of makers.filter((each) => !here.has(each))) {
      const task = await ledger.task(id)
      if (task?.status !== 'COMPLETED') continue
      for (const extra of task.outputs) {
        const got = await this.#blobs.fetch(video._id, extra, signal)
        if (got === 'lost') await cutAgain(this.#context, video, `the extras of video ${video._id}`)
        if (got !== 'here') return false
        if (!extra.holders.includes(self)) await ledger.addTaskHolder(task._id, extra.sha256, self)
      }
      here.add(task._id)
    }
    return true
  }

  /** Changes with each merge attempt that missed an input, and every `LOST_AFTER_MS` while the merge waits: it is not claimed without its inputs. */
  async #missesOf(video: VideoId): Promise<string> {
    const kinds = kindsWhere(({ outputs }) => outputs === 'results')
    const found = await Promise.all(kinds.map((kind) => this.#context.ledger.task(taskId(video, kind))))
    const makers = found.filter((task) => task !== null)
    const misses = makers.flatMap(({ failures }) => failures.filter(({ code }) => code === 'input_missing'))
    const waits = makers.some(({ status }) => status === 'PENDING')
    const waited = waits ? Math.floor(this.#context.clock.mono() / LOST_AFTER_MS) : ''
    return `${misses.at(-1)?.attempt ?? 0}/${waited}`
  }

  /** Looks at the videos whose tasks wait for a source. */
  async #checkSources(signal: AbortSignal): Promise<void> {
    const { ledger, store, reachable } = this.#context
    const kinds = kindsWhere(({ eligibility }) => eligibility === 'source')
    const waiting = [...this.#open.values()].filter(({ counts }) =>
      counts.some(({ kind, status }) => status === 'PENDING' && kinds.includes(kind)),
    )
    if (waiting.length === 0) return
    const tried = await ledger.tasks({ kinds, statuses: ['PENDING'], tried: true })
    const missed = new Set(
      tried.filter(({ failures }) => failures.at(-1)?.code === 'input_missing').map((task) => task.video_id),
    )
    const here = waiting.length > FEW ? await store.listed() : store
    for (const { video } of waiting) {
      if (signal.aborted) return
      const isHeld = reachable().some((peer) => video.source.holders.includes(peer))
      if (!isHeld || missed.has(video._id)) await this.#checkSource(video, here, signal)
    }
  }

  /** Where tasks wait for the source, or failed because it was missing, and no peer has it any more, the video fails. */
  async #checkSource(video: Video, here: Here, signal: AbortSignal): Promise<void> {
    const { ledger, hints, emit, self, term } = this.#context
    if (!(await this.#isSourceLost(video, here, signal))) return
    // What is known of it may be as old as the last look at all.
    const now = await ledger.video(video._id)
    if (now?.status !== video.status || !hasSameHolders(now, video)) return
    const failure = `${video.name}: the source is gone or was changed, and no peer has a copy; submit it again`
    if ((await ledger.failVideo(video._id, failure, term)) !== 'changed') return
    hints.publish({ what: 'tasks', video: video._id })
    await emit({ code: 'failed', peer: self, video: video._id, failure })
  }

  /** A shared folder may come back: that every holder lacks the file now decides nothing. */
  #isSourceLost({ _id, source: { shared, ...source } }: Video, here: Here, signal: AbortSignal): Promise<boolean> {
    const wanted = shared ? { ...source, holders: [] } : source
    return this.#blobs.isLost(_id, wanted, signal, { afterMs: SOURCE_LOST_AFTER_MS, here })
  }

  /** An undelivered video of which a result is lost is merged again. */
  async #checkResults(video: Video, signal: AbortSignal): Promise<void> {
    for (const output of video.outputs) {
      if ((await this.#blobs.fetch(video._id, output, signal)) !== 'lost') continue
      if ((await this.#context.ledger.reopenVideo(video._id, this.#context.term)) === 'changed')
        await this.#emitLost(`${output.path} of ${video.name}`, video._id)
      return
    }
  }

  /** Whether the chunks of a video are still needed: once it is COMPLETED every peer removes them. */
  async #isOpen(video: VideoId): Promise<boolean> {
    const now = await this.#context.ledger.video(video)
    return now !== null && isOpen(now.status)
  }

  async #emitLost(blob: string, video: VideoId): Promise<void> {
    this.#context.hints.publish({ what: 'tasks', video })
    await this.#context.emit({ code: 'blob_lost', video, blob })
  }
}

const hasSameHolders = (one: Video, other: Video): boolean =>
  one.source.holders.length === other.source.holders.length &&
  one.source.holders.every((peer) => other.source.holders.includes(peer))

/** Fetches blobs to the leader, and decides when one that no peer offers is lost. */
class LeaderBlobs {
  readonly #context: ReplicateToLeaderContext
  readonly #loss: LossDetector

  constructor(context: ReplicateToLeaderContext) {
    this.#context = context
    this.#loss = createLossDetector({ clock: context.clock })
  }

  /** `lost` once no peer has offered it for long enough. Rejects with any error but `BlobMissing`. */
  async fetch(video: VideoId, blob: HeldBlob, signal: AbortSignal): Promise<'here' | 'missing' | 'lost'> {
    try {
      await this.#context.exchange.fetch({ ...blob, video, signal })
      this.#loss.found(blob.sha256)
      return 'here'
    } catch (error) {
      if (!(error instanceof BlobMissing)) throw error
      return (await this.isLost(video, blob, signal)) ? 'lost' : 'missing'
    }
  }

  /** Asks the holders by name: one that was absent a moment ago may have it. `here`: what lies on this disk, where that is listed. */
  async isLost(
    video: VideoId,
    blob: HeldBlob,
    signal: AbortSignal,
    { afterMs, here: store = this.#context.store }: { readonly afterMs?: number; readonly here?: Here } = {},
  ): Promise<boolean> {
    const { self } = this.#context
    const { isAvailable, lacks } = await locateBlob(blob, { ...this.#context, store, video, signal })
    if (!isAvailable) return !signal.aborted && this.#loss.isLost(blob, [self, ...lacks], afterMs)
    this.#loss.found(blob.sha256)
    return false
  }

  /** A scan that began then (monotonic ms) is complete: blobs that it did not ask for are no longer missed. */
  endScan(began: number): void {
    this.#loss.endScan(began)
  }
}

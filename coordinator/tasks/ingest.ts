/**
 * The runner of `ingest` tasks: probe, index, plan, extras, then one chunk after another. Every step may be done before:
 * a later attempt reads the committed plan and goes on at the first chunk without tasks.
 *
 * Promises: the plan is committed by one compare, the loser uses the winner's; tasks of a chunk are inserted as it is cut;
 * at most a window of chunks, shared by the ingests of this peer, waits to be encoded; who waits for room in it has left its
 * seat; a chunk that is lost before it is encoded is cut again; the source is read, never changed.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import type { Clock, Rng } from '../../protocol/clock.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Hints } from '../../protocol/hints.ts'
import { type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { DUTY_MS, LOST_AFTER_MS, WINDOW_CHUNKS, WINDOW_SHARE_MIN } from '../../protocol/limits.ts'
import type { Media, SourceIndex } from '../../protocol/media.ts'
import { withPatience } from '../../protocol/patience.ts'
import { type Plan, planSeconds, rankOf } from '../../protocol/plan.ts'
import type { Assignment, Runner, TaskResult } from '../../protocol/runner.ts'
import { type NewTask, type Task, type TaskInput, wholeVideoTask } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { whereabouts } from '../whereabouts.ts'

export interface IngestOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly media: Media
  readonly clock: Clock
  readonly rng: Rng
  /** Slots of the whole mesh, for the window. */
  slots(): number
  readonly hints: Pick<Hints, 'publish'>
}

interface Ingest {
  readonly video: Video
  readonly source: string
  readonly plan: Plan
  readonly index: SourceIndex
  readonly scratch: string
  readonly signal: AbortSignal
  leaveSeat(): void
}

interface ToCut {
  readonly chunk: number
  readonly tasks: readonly Task[]
  readonly isNew: boolean
}

/** The file of subtitles and chapters among the outputs of an ingest: for the merge, never delivered. */
export const EXTRAS_PATH = 'extras'
/** Of which it is asked at once whether somebody has them. */
const CHUNKS_ASKED_AT_ONCE = 16

export function createIngestRunner(options: IngestOptions): Runner {
  const { ledger, store, exchange, media, hints } = options
  /** Ingests that run here, waiting ones too. */
  let running = 0
  const surely = <T>(operation: () => Promise<T>, signal: AbortSignal) =>
    withPatience(operation, { clock: options.clock, rng: options.rng, signal })

  async function planned(
    video: Video,
    source: string,
    signal: AbortSignal,
  ): Promise<{ plan: Plan; index: SourceIndex }> {
    const probe = await media.probe(source, signal)
    const index = await media.index(source, probe, signal)
    const known = video.plan && (await surely(() => ledger.plan(video._id, video.plan!.sha256), signal))
    if (known) return { plan: known, index }
    const mine = await media.plan({ video_id: video._id, source, probe, index, recipe: video.recipe, signal })
    const answer = await surely(() => ledger.commitPlan(mine, dueOf(video, mine)), signal)
    if (answer.outcome === 'closed') throw new AttemptFailed('unexpected', `video ${video.name} is no longer open`)
    hints.publish({ what: 'video', video: video._id })
    return { plan: answer.plan, index }
  }

  async function makeExtras({ video, source, plan, scratch, signal }: Ingest): Promise<Task['outputs']> {
    const extras = await media.extras({ plan, source, outDir: scratch, signal })
    if (extras.audio) {
      const ref = await store.put(video._id, extras.audio)
      const input: TaskInput = { ...ref, holders: [options.self], start_pts: 0, end_pts: 0, time_base: '1/1' }
      await surely(() => ledger.insertTasks([audioTask(video, plan, input)]), signal)
      await replaceLostInput(taskId(video._id, 'audio'), input, signal)
      hints.publish({ what: 'tasks', video: video._id })
    }
    if (!extras.other) return []
    const ref = await store.put(video._id, extras.other)
    return [{ path: EXTRAS_PATH, media_type: 'application/octet-stream', ...ref, holders: [options.self] }]
  }

  /** A task that waits for bytes nobody has gets the new ones, or the same ones from here; anything else is left alone. */
  async function replaceLostInput(id: Task['_id'], input: TaskInput, signal: AbortSignal): Promise<void> {
    const task = await surely(() => ledger.task(id), signal)
    if (task?.status !== 'PENDING' || !task.input) return
    const lost = task.input.sha256
    if (lost === input.sha256) await surely(() => ledger.addTaskHolder(id, lost, options.self), signal)
    else await surely(() => ledger.recut(id, lost, input), signal)
  }

  async function cutChunk(ingest: Ingest, chunk_id: number): Promise<TaskInput> {
    const { video, plan, source, index, scratch, signal } = ingest
    const out = join(scratch, `${chunk_id}.nut`)
    const cut = await media.cut({ plan, chunk_id, source, index, out, signal })
    const times = { start_pts: cut.start_pts, end_pts: cut.end_pts, time_base: cut.time_base.join('/') }
    if (cut.path === source) return { ...video.source, ...times }
    return { ...(await store.put(video._id, cut.path)), holders: [options.self], ...times }
  }

  /**
   * Chunks that need a cut: those without all their tasks (`isNew`), and those whose waiting tasks lost their input. A few at a
   * time are asked after, so that holders that are off cost few dial timeouts and what is known to be lost is cut at once.
   */
  async function* chunksToCut({ video, plan, signal }: Ingest): AsyncGenerator<ToCut> {
    const found = await surely(() => ledger.tasks({ video: video._id, kinds: ['video'] }), signal)
    const byChunk = Map.groupBy(found, (task) => task.chunk_id)
    for (let at = 0; at < plan.chunks.length; at += CHUNKS_ASKED_AT_ONCE) {
      const some = plan.chunks.slice(at, at + CHUNKS_ASKED_AT_ONCE).map(async ({ chunk_id: chunk }) => {
        const tasks = byChunk.get(chunk) ?? []
        const isNew = tasks.length < plan.renditions.length
        return { chunk, tasks, isNew, isWanted: isNew || (await isInputLost(video._id, tasks, signal)) }
      })
      yield* (await Promise.all(some)).filter(({ isWanted }) => isWanted)
    }
  }

  /** Its tasks may wait for different bytes: a stop may have come between two of them. */
  async function isInputLost(video: VideoId, tasks: readonly Task[], signal: AbortSignal): Promise<boolean> {
    const waiting = tasks.flatMap(({ status, input }) => (status === 'PENDING' && input ? [input] : []))
    for (const input of new Map(waiting.map((each) => [each.sha256, each])).values())
      if (!(await whereabouts(input, { store, exchange, video, signal })).isSomewhere) return true
    return false
  }

  /** For tasks that are there already and wait for lost bytes, and for those that are missing. */
  async function cutFor(work: Ingest, chunk: number, tasks: readonly Task[]): Promise<void> {
    const { video, plan, signal } = work
    const input = await cutChunk(work, chunk)
    await surely(() => ledger.insertTasks(videoTasks(video, plan, chunk, input)), signal)
    for (const each of tasks) await replaceLostInput(each._id, input, signal)
    hints.publish({ what: 'tasks', video: video._id })
  }

  /**
   * Asks from time to time after chunks that workers did not find: their host may be lost since. Nobody else has them cut again
   * while this attempt lives, and waiting for room it would wait for them.
   */
  function secondLook(work: Ingest): () => Promise<void> {
    const { video, signal } = work
    let lookedAt = options.clock.mono()
    return async () => {
      if (options.clock.mono() - lookedAt < LOST_AFTER_MS) return
      lookedAt = options.clock.mono()
      const query = { video: video._id, kinds: ['video'], statuses: ['PENDING'] } as const
      const byChunk = Map.groupBy(await surely(() => ledger.tasks(query), signal), (task) => task.chunk_id)
      for (const [chunk, tasks] of byChunk) {
        const isMissed = tasks.some(({ failures }) => failures.some(({ code }) => code === 'input_missing'))
        if (isMissed && (await isInputLost(video._id, tasks, signal))) await cutFor(work, chunk, tasks)
      }
    }
  }

  async function waitForRoom({ video, plan, signal, leaveSeat }: Ingest, look: () => Promise<void>): Promise<void> {
    for (;;) {
      const window = Math.max(WINDOW_CHUNKS.min, WINDOW_CHUNKS.perSlot * options.slots())
      const most = Math.max(WINDOW_SHARE_MIN, Math.ceil(window / running)) * plan.renditions.length
      const counts = await surely(() => ledger.progress([video._id]), signal)
      const waiting = (counts.get(video._id) ?? [])
        .filter(({ status, kind }) => status === 'PENDING' && kindFacts(kind).scope === 'chunk')
        .reduce((sum, each) => sum + each.count, 0)
      if (waiting < most) return
      leaveSeat()
      await look()
      await options.clock.sleep(DUTY_MS, signal)
    }
  }

  async function ingest({ held, signal, progress, leaveSeat }: Assignment): Promise<readonly TaskResult[]> {
    const { task } = held[0]
    const video = await surely(() => ledger.video(task.video_id), signal)
    if (!video) throw new AttemptFailed('unexpected', `video ${task.video_id} is not in the ledger`)
    await surely(() => ledger.startPlanning(video._id), signal)
    const source = await exchange.fetch({ ...video.source, video: video._id, signal, isRead: true })
    const { plan, index } = await planned(video, source, signal)
    const scratch = await store.scratch('ingest')
    const ended = new AbortController()
    const work = { video, source, plan, index, scratch, signal: AbortSignal.any([signal, ended.signal]), leaveSeat }
    const extras = makeExtras(work)
    extras.catch(() => {})
    try {
      const look = secondLook(work)
      for await (const { chunk, tasks, isNew } of chunksToCut(work)) {
        await look()
        // What is cut again adds no task: waiting for room, its own ones would wait for it.
        if (isNew) await waitForRoom(work, look)
        await cutFor(work, chunk, tasks)
        progress(chunk / plan.chunks.length, 0)
      }
      return [{ task: task._id, ok: true, output: null, outputs: await extras }]
    } finally {
      // A cut that failed leaves nothing running.
      ended.abort(new DOMException('this attempt has ended', 'AbortError'))
      await extras.catch(() => {})
      await rm(scratch, { recursive: true, force: true })
    }
  }

  return async (assignment) => {
    running++
    try {
      return await ingest(assignment)
    } finally {
      running--
    }
  }
}

/** A short clip passes a long film, and nobody starves: created_at + the source's duration, or earlier for a deadline. */
function dueOf(video: Video, plan: Plan): number {
  const duration = Math.round(planSeconds(plan) * 1000)
  const due = video.created_at + duration
  // Without a measured speed an encode is taken to last as long as the source.
  return video.deadline === null ? due : Math.min(due, video.deadline - duration)
}

function videoTasks(video: Video, plan: Plan, chunk_id: number, input: TaskInput): NewTask[] {
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
    due: dueOf(video, plan),
    rank: rankOf(plan, rendition, chunk_id),
  }))
}

function audioTask(video: Video, plan: Plan, input: TaskInput): NewTask {
  return {
    ...wholeVideoTask({ ...video, due: dueOf(video, plan) }, 'audio'),
    start_pts: plan.start_pts,
    end_pts: plan.end_pts,
    time_base: plan.time_base.join('/'),
    input,
  }
}

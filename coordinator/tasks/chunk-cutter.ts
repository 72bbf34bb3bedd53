/**
 * Cuts the chunks of one video, for one attempt of its ingest, and inserts their tasks: in order of time, within the window that the ingests of this
 * peer share, and again where their bytes are lost before they are encoded.
 */
import { join } from 'node:path'
import { EXTRAS_PATH } from '../../protocol/artifact.ts'
import type { HeldBlob } from '../../protocol/blobs.ts'
import type { Hints } from '../../protocol/hints.ts'
import { type PeerId, type Sha256, taskId } from '../../protocol/ids.ts'
import { DUTY_MS, INPUT_LOST_AFTER_MS } from '../../protocol/limits.ts'
import type { SourceIndex, WorkerAbility } from '../../protocol/media.ts'
import type { Plan } from '../../protocol/plan.ts'
import { createRetry, type Retry } from '../../protocol/retry-until-deadline.ts'
import { isOneEncode } from '../../protocol/short-film.ts'
import type { NewTask, Task, TaskInput } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { firstLostInput } from '../lost-input.ts'
import { audioTask, chunkTasks, hasRoomInWindow } from './plan-tasks.ts'
import type { RunnerParts } from './runner-parts.ts'
import type { SourceReader } from './source-reader.ts'

/** The parts that an ingest uses. */
export interface IngestOptions extends RunnerParts {
  /** Number of encode slots in the mesh, for the window. */
  slots(): number
  /** The workers of the mesh that take tasks now. */
  workers(): readonly WorkerAbility[]
  /** As in `Media.plan`. */
  readonly isAlone: boolean
  /** Peers from which a blob can be had now (`reachablePeers`). */
  reachable(): readonly PeerId[]
  readonly hints: Pick<Hints, 'publish'>
}

/** An attempt whose source is here and whose plan is committed. */
export interface IngestJob {
  readonly video: Video
  readonly source: SourceReader
  readonly plan: Plan
  readonly index: SourceIndex
  readonly scratch: string
  readonly signal: AbortSignal
  waits(isWaiting: boolean): void
  releaseSlot(): void
}

interface ChunkToCut {
  readonly chunk: number
  /** Tasks of the video that are in the ledger already. */
  readonly tasks: readonly Task[]
  readonly isNew: boolean
}

/** Chunks whose holders are asked at the same time. */
const CHUNKS_ASKED_AT_ONCE = 16

/** Cuts the chunks of one video that need it, in order of time, within the window. */
export class ChunkCutter {
  readonly #options: IngestOptions
  readonly #ingests: () => number
  readonly #job: IngestJob
  readonly #retry: Retry
  #checkedAt: number
  /** Tasks that are inserted with those of the next chunk, so that one worker finds them all. */
  readonly #waiting: NewTask[] = []

  /** `ingests`: attempts of this peer that share its window. */
  constructor(options: IngestOptions, ingests: () => number, job: IngestJob) {
    this.#options = options
    this.#ingests = ingests
    this.#job = job
    this.#retry = createRetry({ clock: options.clock, rng: options.rng, signal: job.signal })
    this.#checkedAt = options.clock.mono()
  }

  async cutAll(onChunk: (chunk: number) => void): Promise<void> {
    for await (const { chunk, tasks, isNew } of this.#chunksToCut()) {
      await this.#recheckInputs()
      // A chunk that is cut again adds no task; in the window it would wait for its own tasks.
      if (isNew) await this.#waitForRoom()
      await this.#cut(chunk, tasks)
      onChunk(chunk)
    }
  }

  /** Copies the audio, the input of the audio task where that is not the source, and the subtitles and chapters, where the plan has any. */
  async makeExtras(): Promise<Task['outputs']> {
    const { ledger, media, hints } = this.#options
    const { video, source, plan, index, scratch, signal } = this.#job
    const { audio, other, from } = await source.read(async (from) => {
      const made = await media.extras({ plan, source: from, index, outDir: scratch, signal })
      return { ...made, from }
    })
    if (audio) {
      const input: TaskInput = { ...(await this.#inputOf(audio, from)), start_pts: 0, end_pts: 0, time_base: '1/1' }
      const task = audioTask(video, plan, input)
      if (isOneEncode(plan)) this.#waiting.push(task)
      else await this.#retry(() => ledger.insertTasks([task]))
      await this.#replaceLostInput(taskId(video._id, 'audio'), input)
      hints.publish({ what: 'tasks', video: video._id })
    }
    if (!other) return []
    return [{ path: EXTRAS_PATH, media_type: 'application/octet-stream', ...(await this.#inputOf(other, from)) }]
  }

  /**
   * Chunks that need a cut: those without all their tasks (`isNew`), and those whose PENDING tasks lost their input. The holders of a few
   * chunks are asked at the same time: absent holders then cost few dial timeouts, and a lost chunk is cut at once.
   */
  async *#chunksToCut(): AsyncGenerator<ChunkToCut> {
    const { video, plan } = this.#job
    const found = await this.#retry(() => this.#options.ledger.tasks({ video: video._id, kinds: ['video'] }))
    const byChunk = Map.groupBy(found, (task) => task.chunk_id)
    for (let at = 0; at < plan.chunks.length; at += CHUNKS_ASKED_AT_ONCE) {
      const some = plan.chunks.slice(at, at + CHUNKS_ASKED_AT_ONCE).map(async ({ chunk_id: chunk }) => {
        const tasks = byChunk.get(chunk) ?? []
        const isNew = tasks.length < plan.renditions.length
        return { chunk, tasks, isNew, isWanted: isNew || (await this.#isInputLost(tasks)) }
      })
      yield* (await Promise.all(some)).filter(({ isWanted }) => isWanted)
    }
  }

  /** The tasks of a chunk may wait for different bytes: an attempt may have stopped between two of them. */
  async #isInputLost(tasks: readonly Task[]): Promise<boolean> {
    const addHolder = (id: Task['_id'], sha256: Sha256, peer: PeerId) =>
      this.#retry(() => this.#options.ledger.addTaskHolder(id, sha256, peer))
    return (await firstLostInput(tasks, { ...this.#options, signal: this.#job.signal, addHolder })) !== null
  }

  /**
   * Asks at an interval for chunks that no reachable peer holds: their machine may have failed. While this attempt runs no other has them cut
   * again, and the wait for room in the window would wait for them.
   */
  async #recheckInputs(): Promise<void> {
    const { clock, ledger, reachable } = this.#options
    if (clock.mono() - this.#checkedAt < INPUT_LOST_AFTER_MS) return
    this.#checkedAt = clock.mono()
    const query = { video: this.#job.video._id, kinds: ['video'], statuses: ['PENDING'] } as const
    const lacking = await this.#retry(() => ledger.tasks({ ...query, heldByNoneOf: reachable() }))
    for (const [chunk, tasks] of Map.groupBy(lacking, (task) => task.chunk_id))
      if (await this.#isInputLost(tasks)) await this.#cut(chunk, tasks)
  }

  /** Inserts the sound of a film whose pictures have all their tasks. */
  async insertWaiting(): Promise<void> {
    if (this.#waiting.length > 0) await this.#retry(() => this.#options.ledger.insertTasks(this.#waiting))
  }

  async #waitForRoom(): Promise<void> {
    const { ledger, clock, slots } = this.#options
    const { video, plan, signal, waits, releaseSlot } = this.#job
    for (;;) {
      const counts = (await this.#retry(() => ledger.progress([video._id]))).get(video._id) ?? []
      const { length: renditions } = plan.renditions
      if (hasRoomInWindow({ counts, renditions, slots: slots(), ingests: this.#ingests() })) return waits(false)
      waits(true)
      releaseSlot()
      await this.#recheckInputs()
      await clock.sleep(DUTY_MS, signal)
    }
  }

  /** `tasks`: those in the ledger, which may wait for lost bytes; missing ones are inserted. */
  async #cut(chunk: number, tasks: readonly Task[]): Promise<void> {
    const { ledger, hints } = this.#options
    const { video, plan } = this.#job
    const input = await this.#cutFile(chunk)
    // Its place in the order of claims may be another than when this attempt began.
    const now = (await this.#retry(() => ledger.video(video._id))) ?? video
    await this.#retry(() => ledger.insertTasks([...this.#waiting, ...chunkTasks(now, plan, chunk, input)]))
    this.#waiting.length = 0
    for (const each of tasks) await this.#replaceLostInput(each._id, input)
    hints.publish({ what: 'tasks', video: video._id })
  }

  async #cutFile(chunk_id: number): Promise<TaskInput> {
    const { plan, source, index, scratch, signal } = this.#job
    const job = { plan, chunk_id, index, out: join(scratch, `${chunk_id}.nut`), signal }
    const cut = await source.read(async (from) => ({
      ...(await this.#options.media.cut({ ...job, source: from })),
      from,
    }))
    const times = { start_pts: cut.start_pts, end_pts: cut.end_pts, time_base: cut.time_base.join('/') }
    return { ...(await this.#inputOf(cut.path, cut.from)), ...times }
  }

  /** The blob of a file that was made here, or the source itself, which was read at `from`, where that is read straight. */
  async #inputOf(path: string, from: string): Promise<HeldBlob> {
    const { video } = this.#job
    const { shared: _shared, ...blob } = video.source
    if (path === from) return blob
    return { ...(await this.#options.store.put(video._id, path)), holders: [this.#options.self] }
  }

  /** A PENDING task gets the new bytes, or this peer as a holder of the same ones; any other is left as it is. */
  async #replaceLostInput(id: Task['_id'], input: TaskInput): Promise<void> {
    const { self, ledger } = this.#options
    const task = await this.#retry(() => ledger.task(id))
    if (task?.status !== 'PENDING' || !task.input) return
    const lost = task.input.sha256
    if (lost === input.sha256) await this.#retry(() => ledger.addTaskHolder(id, lost, self))
    else await this.#retry(() => ledger.recut(id, lost, input))
  }
}

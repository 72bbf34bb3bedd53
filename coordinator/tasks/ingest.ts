/**
 * The runner of `ingest` tasks: probe, index, plan, extras, then one chunk after another. Each step may be done already: a later attempt
 * reads the committed plan and continues at the first chunk without tasks.
 *
 * Promises: the plan is committed by one compare, and the loser uses the winner's; the tasks of a chunk are inserted when it is cut; at
 * most a window of chunks, shared by the ingests of this peer, waits to be encoded, and an attempt that waits for room in it has left its
 * control-task slot; a chunk whose bytes are lost before it is encoded is cut again; the source is read, never changed.
 */
import { rm } from 'node:fs/promises'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { SourceIndex, SubtitlePath } from '../../protocol/media.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { SubtitleFile } from '../../protocol/recipe.ts'
import { createRetry, type Retry } from '../../protocol/retry-until-deadline.ts'
import type { Assignment, Runner, TaskResult } from '../../protocol/runner.ts'
import { isOneEncode } from '../../protocol/short-film.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { ChunkCutter, type IngestOptions } from './chunk-cutter.ts'
import { dueOf } from './plan-tasks.ts'
import { openSourceReader, type SourceReader } from './source-reader.ts'

/** Makes a runner whose attempts share this peer's window of chunks. It rejects with `AttemptFailed` and `SourceRefused`. */
export function createIngestRunner(options: IngestOptions): Runner {
  const ingest = new IngestRunner(options)
  return (assignment) => ingest.run(assignment)
}

class IngestRunner {
  readonly #options: IngestOptions
  /** Number of attempts that run here, waiting ones included. */
  #running = 0

  constructor(options: IngestOptions) {
    this.#options = options
  }

  async run(assignment: Assignment): Promise<readonly TaskResult[]> {
    this.#running++
    try {
      return await this.#ingest(assignment)
    } finally {
      this.#running--
    }
  }

  async #ingest({ held, signal, progress, waits, releaseSlot }: Assignment): Promise<readonly TaskResult[]> {
    const { task, attempt } = held[0]
    const { store, exchange, ledger, self } = this.#options
    const retry = createRetry({ clock: this.#options.clock, rng: this.#options.rng, signal })
    const video = await this.#prepare(task, retry)
    const source = await openSourceReader({ video, store, exchange, signal })
    const { plan, index } = await this.#planned(video, source, { retry, signal })
    const scratch = await store.scratch('ingest')
    const ended = new AbortController()
    const both = AbortSignal.any([signal, ended.signal])
    const job = { video, source, plan, index, scratch, signal: both, waits, releaseSlot }
    const cutter = new ChunkCutter(this.#options, () => this.#running, job)
    const extras = cutter.makeExtras().then(async (parts) => {
      // Listed at once: the last chunk is cut much later, and players want the texts from the first picture on.
      const listed = { task: task._id, attempt, worker: self, parts, instead: true }
      if (parts.length > 0) await retry(() => ledger.listParts(listed))
      return parts
    })
    extras.catch(() => {})
    try {
      // Sound that is read straight costs nothing here: one worker may then encode all of the film.
      if (isOneEncode(plan)) await extras
      await cutter.cutAll((chunk) => progress(chunk / plan.chunks.length, 0))
      await cutter.insertWaiting()
      return [{ task: task._id, ok: true, output: null, outputs: await extras }]
    } finally {
      // Stops what still runs where a cut failed.
      ended.abort(new DOMException('this attempt has ended', 'AbortError'))
      await extras.catch(() => {})
      await rm(scratch, { recursive: true, force: true })
    }
  }

  async #prepare(task: Task, retry: Retry): Promise<Video> {
    const { ledger } = this.#options
    const video = await retry(() => ledger.video(task.video_id))
    if (!video) throw new AttemptFailed('unexpected', `video ${task.video_id} is not in the ledger`)
    await retry(() => ledger.startPlanning(video._id))
    return video
  }

  async #planned(
    video: Video,
    source: SourceReader,
    { retry, signal }: { readonly retry: Retry; readonly signal: AbortSignal },
  ): Promise<{ plan: Plan; index: SourceIndex }> {
    const { ledger, media, hints, isAlone } = this.#options
    const { plan } = video
    const known = plan && (await retry(() => ledger.plan(video._id, plan.sha256)))
    const subtitles = await this.#subtitles(video, signal)
    const { index, own } = await source.read(async (path) => {
      const probe = await media.probe(path, signal)
      const index = await media.index(path, probe, signal, subtitles)
      if (known) return { index, own: known }
      const { _id: video_id, recipe } = video
      const job = { video_id, source: path, probe, index, recipe, workers: this.#options.workers(), isAlone, signal }
      return { index, own: await media.plan(job) }
    })
    if (known) return { plan: known, index }
    const answer = await retry(() => ledger.commitPlan(own, dueOf(video, own)))
    if (answer.outcome === 'closed') throw new AttemptFailed('unexpected', `video ${video.name} is no longer open`)
    hints.publish({ what: 'video', video: video._id })
    return { plan: answer.plan, index }
  }

  /** The files of subtitles that were submitted with the source; who holds the source has them. */
  async #subtitles({ _id, source: { holders }, recipe }: Video, signal: AbortSignal): Promise<SubtitlePath[]> {
    const { exchange } = this.#options
    const fetch = async (file: SubtitleFile): Promise<SubtitlePath> => ({
      file,
      path: await exchange.fetch({ ...file, holders, video: _id, signal, isRead: true }),
    })
    return await Promise.all((recipe.subtitles ?? []).map(fetch))
  }
}

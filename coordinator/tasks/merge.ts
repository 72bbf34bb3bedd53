/**
 * The runner of `merge` tasks: fetches every chunk, joins and muxes the renditions, verifies, and puts the results into the store. A lost
 * output fails the attempt with `input_missing`; the duty that replicates to the leader then has it made again.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Artifact, EXTRAS_PATH, renditionPath } from '../../protocol/artifact.ts'
import type { HeldBlob } from '../../protocol/blobs.ts'
import { withIntactBlobs } from '../../protocol/blobs.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import { BLOB_FETCHES_AT_ONCE } from '../../protocol/limits.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import { createRetry } from '../../protocol/retry-until-deadline.ts'
import type { Runner } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import type { RunnerParts } from './runner-parts.ts'

/** The parts that a merge uses. */
export interface MergeOptions extends RunnerParts {
  readonly emit: Emit
}

interface Parts {
  readonly plan: Plan
  readonly chunks: ReadonlyMap<RenditionId, readonly string[]>
  readonly audio: string | null
  readonly extra: string | null
  /** All of these, by name. */
  readonly blobs: readonly HeldBlob[]
}

/**
 * Makes the runner. Its result names the blobs of the finished files. It rejects with `AttemptFailed`.
 */
export function createMergeRunner(options: MergeOptions): Runner {
  const { self, ledger, store, exchange, media, clock, rng } = options

  async function gather(video: VideoId, signal: AbortSignal): Promise<Parts> {
    const retry = createRetry({ clock, rng, signal })
    const doc = await retry(() => ledger.video(video))
    const committed = doc?.plan
    const plan = committed && (await retry(() => ledger.plan(video, committed.sha256)))
    if (!plan) throw new AttemptFailed('unexpected', `video ${video} has no plan`)
    const tasks = await retry(() => ledger.tasks({ video }))
    const byId = new Map(tasks.map((task) => [task._id, task]))
    const blobs: HeldBlob[] = []
    const fetch = (blob: HeldBlob) => {
      blobs.push(blob)
      return exchange.fetch({ ...blob, video, signal })
    }
    const chunks = new Map<RenditionId, string[]>()
    for (const { id } of plan.renditions) {
      const outputs = plan.chunks.map(({ chunk_id }) => outputOf(byId.get(taskId(video, id, chunk_id))))
      chunks.set(id, await inBatches(outputs, fetch))
    }
    const audio = plan.audio.length > 0 ? await fetch(outputOf(byId.get(taskId(video, 'audio')))) : null
    const extra = await extraOf(byId.get(taskId(video, 'ingest')), fetch)
    return { plan, chunks, audio, extra, blobs }
  }

  return async ({ held, signal, progress }) => {
    const { task } = held[0]
    const parts = await gather(task.video_id, signal)
    const scratch = await store.scratch('merge')
    try {
      const pathOf = (rendition: RenditionId) => join(scratch, `${rendition}.mp4`)
      await withIntactBlobs({ store, video: task.video_id, blobs: parts.blobs, signal }, async () => {
        await media.merge({
          plan: parts.plan,
          renditions: [...parts.chunks].map(([rendition, chunks]) => ({ rendition, chunks, out: pathOf(rendition) })),
          audio: parts.audio,
          extra: parts.extra,
          signal,
          onProgress: (done) => progress(done, 0),
          // `status` reads the notes of a video from its events.
          onNote: (note) => void options.emit({ code: 'note', peer: self, video: task.video_id, note }),
        })
      })
      const outputs: Artifact[] = []
      for (const rendition of parts.chunks.keys()) {
        const ref = await store.put(task.video_id, pathOf(rendition))
        outputs.push({ path: renditionPath(rendition), media_type: 'video/mp4', ...ref, holders: [self] })
      }
      return [{ task: task._id, ok: true, output: null, outputs }]
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }
}

/** The file of subtitles and chapters; fails while the ingest makes it again, so that no result lacks its subtitles. */
async function extraOf(ingest: Task | undefined, fetch: (blob: HeldBlob) => Promise<string>): Promise<string | null> {
  if (ingest?.status !== 'COMPLETED') throw new AttemptFailed('input_missing', 'the chunks are being cut again')
  const extras = ingest.outputs.find(({ path }) => path === EXTRAS_PATH)
  return extras ? await fetch(extras) : null
}

function outputOf(task: Task | undefined): HeldBlob {
  if (!task?.output) throw new AttemptFailed('input_missing', `${task?._id ?? 'a task'} has no output any more`)
  return task.output
}

async function inBatches(blobs: readonly HeldBlob[], fetch: (blob: HeldBlob) => Promise<string>): Promise<string[]> {
  const paths: string[] = []
  for (let at = 0; at < blobs.length; at += BLOB_FETCHES_AT_ONCE) {
    paths.push(...(await Promise.all(blobs.slice(at, at + BLOB_FETCHES_AT_ONCE).map(fetch))))
  }
  return paths
}

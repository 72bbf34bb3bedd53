/** Fetches all that is encoded of a video, for the tasks that make its results. */
import { EXTRAS_PATH } from '../../protocol/artifact.ts'
import type { HeldBlob } from '../../protocol/blobs.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import { BLOB_FETCHES_AT_ONCE } from '../../protocol/limits.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import { createRetry } from '../../protocol/retry-until-deadline.ts'
import type { Task } from '../../protocol/task.ts'
import type { VideoSource } from '../../protocol/video.ts'
import type { RunnerParts } from './runner-parts.ts'

/** What is encoded of a video, as files of this peer; paths are absolute. */
export interface Encoded {
  readonly recipe: Recipe
  readonly source: VideoSource
  readonly plan: Plan
  /** The encoded chunks of each rendition, in order. */
  readonly chunks: ReadonlyMap<RenditionId, readonly string[]>
  readonly audio: string | null
  readonly extra: string | null
  /** All of these, by name. */
  readonly blobs: readonly HeldBlob[]
}

/** Fetches everything that `Encoded` names. Rejects with `AttemptFailed`: `input_missing` where an output was lost or is being made again. */
export async function gatherEncoded(
  { ledger, exchange, clock, rng }: Pick<RunnerParts, 'ledger' | 'exchange' | 'clock' | 'rng'>,
  video: VideoId,
  signal: AbortSignal,
): Promise<Encoded> {
  const retry = createRetry({ clock, rng, signal })
  const doc = await retry(() => ledger.video(video))
  const committed = doc?.plan
  const plan = committed && (await retry(() => ledger.plan(video, committed.sha256)))
  if (!doc || !plan) throw new AttemptFailed('unexpected', `video ${video} has no plan`)
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
  return { recipe: doc.recipe, source: doc.source, plan, chunks, audio, extra, blobs }
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

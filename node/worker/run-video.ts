/**
 * The runner of `video` tasks, and of `audit` tasks, one rendition each: one chunk in all claimed renditions, by one ffmpeg, with the sound of a
 * short film where that is claimed too. Fetches the chunk, encodes, and puts each result into the
 * store. The scratch folder is removed in any case, with what a superseded attempt made.
 */
import { join } from 'node:path'
import { withScratch } from '../../files/with-scratch.ts'
import { type BlobExchange, type BlobStore, withIntactBlobs } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Media } from '../../protocol/media.ts'
import type { Rational } from '../../protocol/plan.ts'
import type { HeldTask, Runner, TaskResult } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { fetchForAttempt, fetchInput } from './fetch-input.ts'

/** The parts that the runners of video and audio use. */
export interface RunVideoOptions {
  readonly self: PeerId
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly media: Media
  readonly plans: PlanSource
  readonly clock: Clock
  readonly ledger: Pick<Ledger, 'removeInputHolder'>
}

/** Where a peer shows the sound of a film as it was encoded. */
export const SOUND_PATH = 'audio/00000.m4a'

const isPicture = ({ task }: HeldTask): boolean => kindFacts(task.kind).scope === 'chunk'

/** Makes the runner. It rejects with `AttemptFailed` or `BlobMissing` where all renditions fail. */
export function createVideoRunner(options: RunVideoOptions): Runner {
  const { self, store, media, plans } = options
  const run: Runner = async (assignment) => {
    const { held, signal, progress } = assignment
    const [pictures, sounds] = [held.filter(isPicture), held.filter((each) => !isPicture(each))]
    const first = pictures[0]!.task
    const plan = await plans.planOf(first.video_id)
    const { input, path } = await fetchForAttempt(options, assignment)
    return await withScratch(store, `encode-${first.chunk_id}`, async (outDir) => {
      const { start_pts, end_pts, time_base } = first.input ?? input
      const sound = join(outDir, 'audio.m4a')
      const results = await withIntactBlobs({ store, video: first.video_id, blobs: [input], signal }, () =>
        media.encode({
          plan,
          chunk_id: first.chunk_id,
          input: { path, start_pts, end_pts, time_base: parseTimeBase(time_base) },
          ...(sounds.length > 0 && { sound }),
          renditions: pictures.map(({ task }) => task.resolution),
          outDir,
          onProgress: ({ frames, speed }) => progress(frames / Math.max(1, first.frames), speed),
          signal,
        }),
      )
      const heard = sounds.map(async ({ task }): Promise<TaskResult> => {
        const ref = await store.put(task.video_id, sound)
        return { task: task._id, ok: true, output: { ...ref, holders: [self] }, outputs: [], output_path: SOUND_PATH }
      })
      const seen = pictures.map(async ({ task }): Promise<TaskResult> => {
        const result = results.find(({ rendition }) => rendition === task.resolution)
        if (!result)
          return {
            task: task._id,
            ok: false,
            failure: new AttemptFailed('unexpected', `no result for ${task.resolution}`),
          }
        if (!result.ok) return { task: task._id, ok: false, failure: result.failure }
        const ref = await store.put(task.video_id, result.path)
        // An audit only shows its hash.
        const path = `${task.resolution}/${String(task.chunk_id).padStart(5, '0')}.mp4`
        const output_path = kindFacts(task.kind).audits ? {} : { output_path: path }
        return {
          task: task._id,
          ok: true,
          output: { ...ref, es_sha256: result.es_sha256, holders: [self] },
          ...output_path,
        }
      })
      return await Promise.all([...heard, ...seen])
    })
  }
  return Object.assign(run, { prefetch: (task: Task, signal: AbortSignal) => fetchInput(options, task, signal) })
}

/** A time base in the form of ffmpeg, such as `1/15360`. Throws `AttemptFailed('unexpected')` for another text. */
export function parseTimeBase(text: string): Rational {
  const [num, den] = text.split('/').map(Number)
  if (!num || !den) throw new AttemptFailed('unexpected', `time base ${text}`)
  return [num, den]
}

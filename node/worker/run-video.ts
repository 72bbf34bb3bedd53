/**
 * The runner of `video` tasks: one chunk in as many renditions as were claimed, by one ffmpeg. Fetches the chunk, encodes,
 * puts each result into the store. What a lost attempt made is dropped with its scratch folder.
 */
import { rm } from 'node:fs/promises'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { AttemptFailed, BlobMissing } from '../../protocol/errors.ts'
import type { PeerId, Resolution } from '../../protocol/ids.ts'
import type { Media } from '../../protocol/media.ts'
import type { Rational } from '../../protocol/plan.ts'
import type { Runner, TaskResult } from '../../protocol/runner.ts'
import type { Task, TaskInput } from '../../protocol/task.ts'
import type { PlanSource } from '../plan-source.ts'

export interface RunVideoOptions {
  readonly self: PeerId
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly media: Media
  readonly plans: PlanSource
  readonly clock: Clock
}

/** Asked again so often, a second apart, before an input counts as missing: who has just joined may not have met its holder. */
const INPUT_TRIES = 4
const INPUT_AGAIN_MS = 1_000

export function createVideoRunner({ self, store, exchange, media, plans, clock }: RunVideoOptions): Runner {
  async function bring(task: Task, signal: AbortSignal): Promise<string> {
    for (let tries = 1; ; tries++) {
      try {
        return await exchange.fetch({ ...mustHaveInput(task), video: task.video_id, signal })
      } catch (error) {
        if (!(error instanceof BlobMissing) || tries === INPUT_TRIES) throw error
        await clock.sleep(INPUT_AGAIN_MS, signal)
      }
    }
  }
  const run: Runner = async ({ held, signal, progress }) => {
    const first = held[0].task
    const input = mustHaveInput(first)
    const plan = await plans.planOf(first.video_id)
    const path = await exchange.fetch({ ...input, video: first.video_id, signal, isRead: true })
    const outDir = await store.scratch(`encode-${first.chunk_id}`)
    try {
      const results = await media.encode({
        plan,
        chunk_id: first.chunk_id,
        input: { path, start_pts: input.start_pts, end_pts: input.end_pts, time_base: parseTimeBase(input.time_base) },
        resolutions: held.map(({ task }) => task.resolution as Resolution),
        outDir,
        onProgress: ({ frames, speed }) => progress(frames / Math.max(1, first.frames), speed),
        signal,
      })
      return await Promise.all(
        held.map(async ({ task }): Promise<TaskResult> => {
          const result = results.find((each) => each.resolution === task.resolution)
          if (!result)
            return {
              task: task._id,
              ok: false,
              failure: new AttemptFailed('unexpected', `no result for ${task.resolution}`),
            }
          if (!result.ok) return { task: task._id, ok: false, failure: result.failure }
          const ref = await store.put(task.video_id, result.path)
          const output_path = `${task.resolution}/${String(task.chunk_id).padStart(5, '0')}.mp4`
          return {
            task: task._id,
            ok: true,
            output: { ...ref, es_sha256: result.es_sha256, holders: [self] },
            output_path,
          }
        }),
      )
    } finally {
      await rm(outDir, { recursive: true, force: true })
    }
  }
  return Object.assign(run, { bring })
}

export function mustHaveInput(task: Task): TaskInput {
  if (!task.input) throw new AttemptFailed('input_missing', `task ${task._id} names no input`)
  return task.input
}

/** `1/15360` as ffmpeg writes it. */
export function parseTimeBase(text: string): Rational {
  const [num, den] = text.split('/').map(Number)
  if (!num || !den) throw new AttemptFailed('unexpected', `time base ${text}`)
  return [num, den]
}

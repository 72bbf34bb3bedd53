/** The runner of `audio` tasks: encodes every track in one piece. AAC that is encoded per chunk drifts 35 ms at every join. */
import { join } from 'node:path'
import { withScratch } from '../../files/with-scratch.ts'
import { withIntactBlobs } from '../../protocol/blobs.ts'
import { planSeconds } from '../../protocol/plan.ts'
import type { Runner } from '../../protocol/runner.ts'
import { fetchForAttempt } from './fetch-input.ts'
import { type RunVideoOptions, SOUND_PATH } from './run-video.ts'

/** Makes the runner; `together` runs sound that is claimed with the pictures of its film. It rejects with `AttemptFailed` or `BlobMissing`. */
export function createAudioRunner(options: RunVideoOptions, together: Runner): Runner {
  const { self, store, media, plans } = options
  return async (assignment) => {
    const { held, signal, progress } = assignment
    if (held.length > 1) return together(assignment)
    const { task } = held[0]
    const plan = await plans.planOf(task.video_id)
    const { input, path } = await fetchForAttempt(options, assignment)
    return await withScratch(store, 'audio', async (outDir) => {
      const out = join(outDir, 'audio.m4a')
      const whole = Math.max(0.001, planSeconds(plan))
      await withIntactBlobs({ store, video: task.video_id, blobs: [input], signal }, () =>
        media.audio({
          plan,
          input: path,
          out,
          onProgress: ({ seconds, speed }) => progress(seconds / whole, speed),
          signal,
        }),
      )
      const ref = await store.put(task.video_id, out)
      return [{ task: task._id, ok: true, output: { ...ref, holders: [self] }, output_path: SOUND_PATH }]
    })
  }
}

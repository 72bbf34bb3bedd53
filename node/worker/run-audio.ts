/** The runner of `audio` tasks: encodes every track in one piece. AAC that is encoded per chunk drifts 35 ms at every join. */
import { join } from 'node:path'
import { withScratch } from '../../files/with-scratch.ts'
import { withIntactBlobs } from '../../protocol/blobs.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { planSeconds } from '../../protocol/plan.ts'
import type { Runner } from '../../protocol/runner.ts'
import { fetchForAttempt } from './fetch-input.ts'
import { type RunVideoOptions, SOUND_PATH } from './run-video.ts'
import { createSoundPartList, type SoundPartListModules } from './sound-part-list.ts'

/** The parts that the runner uses. */
export interface RunAudioOptions extends RunVideoOptions {
  readonly ledger: RunVideoOptions['ledger'] & SoundPartListModules['ledger'] & Pick<Ledger, 'video'>
  readonly log: SoundPartListModules['log']
}

/** Parts are not worth a retry. */
function onlyUnavailable(error: unknown): null {
  if (error instanceof LedgerUnavailable) return null
  throw error
}

/** Makes the runner; `together` runs sound that is claimed with the pictures of its film. It rejects with `AttemptFailed` or `BlobMissing`. */
export function createAudioRunner(options: RunAudioOptions, together: Runner): Runner {
  const { self, store, media, plans, ledger } = options
  // Only players of a package want sound that is not encoded whole.
  const areWanted = async (video: VideoId) =>
    (await ledger.video(video).catch(onlyUnavailable))?.recipe.package !== undefined
  return async (assignment) => {
    const { held, signal, progress } = assignment
    if (held.length > 1) return together(assignment)
    const { task } = held[0]
    const plan = await plans.planOf(task.video_id)
    const { input, path } = await fetchForAttempt(options, assignment)
    return await withScratch(store, 'audio', async (outDir) => {
      const out = join(outDir, 'audio.m4a')
      const whole = Math.max(0.001, planSeconds(plan))
      const parts = (await areWanted(task.video_id)) ? createSoundPartList(options, held[0]) : undefined
      await withIntactBlobs({ store, video: task.video_id, blobs: [input], signal }, () =>
        media.audio({
          plan,
          input: path,
          out,
          parts,
          onProgress: ({ seconds, speed }) => progress(seconds / whole, speed),
          signal,
        }),
      )
      const ref = await store.put(task.video_id, out)
      return [{ task: task._id, ok: true, output: { ...ref, holders: [self] }, outputs: [], output_path: SOUND_PATH }]
    })
  }
}

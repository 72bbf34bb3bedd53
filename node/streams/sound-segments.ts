/** The sound of a video as far as it can be played: from the parts that its task lists, or from the encoded file. */

import type { Track } from '../../media/mp4.ts'
import { finishedSounds, type ListedSound, partedSounds } from '../../media/package/sound-list.ts'
import type { HeldBlob } from '../../protocol/blobs.ts'
import { type Sha256, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { remember } from '../../protocol/remember.ts'

/** The parts that this uses. */
export interface SoundSegmentsModules {
  readonly ledger: Pick<Ledger, 'task'>
  /** The tables of an encoded file, wherever its bytes lie. */
  tracksOf(video: VideoId, blob: HeldBlob, signal: AbortSignal): Promise<readonly Track[]>
}

/** The tracks of sound of videos. */
export interface SoundSegments {
  /**
   * The tracks that can be played, by number; none before the first part is listed. A track only gains segments, until it is whole. Rejects with
   * `LedgerUnavailable`, and as `tracksOf`.
   */
  soundsOf(video: VideoId, signal: AbortSignal): Promise<readonly ListedSound[]>
}

/** Finished files whose tables are remembered: a film of two hours has some MB. */
const FILES_MAX = 8

/** Makes it, with nothing remembered. */
export function createSoundSegments({ ledger, tracksOf }: SoundSegmentsModules): SoundSegments {
  const known = new Map<Sha256, readonly ListedSound[]>()
  return {
    async soundsOf(video, signal) {
      const task = await ledger.task(taskId(video, 'audio'))
      const { output, outputs } = task ?? { output: null, outputs: [] }
      if (output === null) return partedSounds(outputs)
      const before = known.get(output.sha256)
      if (before) return before
      const sounds = finishedSounds(await tracksOf(video, output, signal), output)
      remember(known, output.sha256, sounds, FILES_MAX)
      return sounds
    },
  }
}

/** The tracks of a video that is encoded, as far as players may have them: out of its encoded chunks and its sound. */

import { mayBeListed } from '../../coordinator/policy/may-be-listed.ts'
import { readTracks } from '../../media/mp4.ts'
import type { GrowingTrack } from '../../media/package/growing-manifests.ts'
import { inBlocks } from '../../media/package/growing-track.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { blobBytes, createEncodedChunks, SOUND_LONGEST_S } from './encoded-chunks.ts'
import { createSoundSegments } from './sound-segments.ts'

/** The parts that this uses. */
export interface GrowingTracksModules {
  readonly ledger: Pick<Ledger, 'video' | 'task' | 'tasks' | 'now' | 'members'>
  readonly reads: ArtifactReads
}

/** Finds tracks, and remembers what it has read of chunks and files. */
export interface GrowingTracks {
  /** The tracks of pictures in the order of the plan, then those of sound. Rejects as the ledger and the reads. */
  tracks(video: Video, plan: Plan, signal: AbortSignal): Promise<readonly GrowingTrack[]>
}

/** Makes it, with nothing remembered. */
export function createGrowingTracks({ ledger, reads }: GrowingTracksModules): GrowingTracks {
  const chunks = createEncodedChunks(reads)
  const sounds = createSoundSegments({
    ledger,
    async tracksOf(id, blob, signal) {
      const video = await ledger.video(id)
      return video ? await readTracks(inBlocks(blobBytes(reads, video, blob, signal))) : []
    },
  })
  return {
    async tracks(video, plan, signal) {
      const [tasks, now, members] = await Promise.all([
        ledger.tasks({ video: video._id, kinds: ['video'], statuses: ['COMPLETED'] }),
        ledger.now(),
        ledger.members(),
      ])
      const may = tasks.filter((task) => mayBeListed(task, { now, isAlone: members.length <= 1 }))
      const blobs = new Map(may.map(({ _id, output }) => [_id as string, output!]))
      const all: GrowingTrack[] = []
      for (const rendition of plan.renditions) all.push(...(await chunks.track(video, { rendition, plan, blobs })))
      if (plan.audio.length === 0) return all
      const heard = await sounds.soundsOf(video._id, signal)
      return [
        ...all,
        ...heard
          .filter(({ segments }) => segments.length > 0)
          .map(({ track, ...sound }) => ({ ...sound, name: `audio-${track}`, longest: SOUND_LONGEST_S })),
      ]
    },
  }
}

/** The tracks of a video as far as players may have them: of encoded chunks and sound while it is encoded, of the package's files afterwards. */
import { readTracks } from '../../media/mp4.ts'
import { inBlocks, longestSegment } from '../../media/package/growing-track.ts'
import { SEGMENT_S } from '../../media/package/layout.ts'
import type { SoundPiece } from '../../media/package/sound-list.ts'
import { readTrackIndex } from '../../media/package/track-index.ts'
import type { Artifact } from '../../protocol/artifact.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { packagePath } from '../../protocol/package.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { blobBytes, createEncodedChunks, type GrowingTrack } from './encoded-chunks.ts'
import { mayBeListed } from './may-be-listed.ts'
import { createSoundSegments } from './sound-segments.ts'

/** The parts that this uses. */
export interface GrowingTracksModules {
  readonly ledger: Pick<Ledger, 'video' | 'task' | 'tasks' | 'now' | 'members'>
  readonly reads: ArtifactReads
}

/** Finds tracks, and remembers what it has read of chunks and files. */
export interface GrowingTracks {
  /** The tracks of pictures in the order of the plan, then those of sound. Rejects as the ledger and the reads. */
  encoded(video: Video, plan: Plan, signal: AbortSignal): Promise<readonly GrowingTrack[]>
  /** The track of this name among the files of a package; null where there is none. Rejects as the reads. */
  finished(
    video: Video,
    plan: Plan,
    of: { made: readonly Artifact[]; name: string; signal: AbortSignal },
  ): Promise<GrowingTrack | null>
}

/** No segment of sound is as long: see `SoundDivision`. */
const SOUND_LONGEST_S = 1.5 * SEGMENT_S

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
    async encoded(video, plan, signal) {
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
    async finished(video, plan, { made, name, signal }) {
      const artifact = made.find(({ path }) => path === packagePath(`${name}.mp4`) || path === packagePath(name))
      if (!artifact) return null
      const { init, timescale, segments } = await readTrackIndex(blobBytes(reads, video, artifact, signal))
      const piece = (start: number, length: number): SoundPiece => ({ blob: artifact, start, length })
      return {
        name,
        timescale,
        longest: name.startsWith('audio-') ? SOUND_LONGEST_S : longestSegment(plan),
        init: piece(0, init),
        segments: segments.map(({ offset, ...segment }) => ({
          ...segment,
          pieces: () => [piece(offset, segment.bytes)],
        })),
        isWhole: true,
      }
    },
  }
}

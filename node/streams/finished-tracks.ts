/** The tracks of a package that is made, for players that began while it was encoded: the same segments, as ranges of its files. */
import { readTracks } from '../../media/mp4.ts'
import { entryFacts } from '../../media/package/entry.ts'
import type { GrowingTrack } from '../../media/package/growing-manifests.ts'
import { inBlocks, longestSegment } from '../../media/package/growing-track.ts'
import { pictureHead } from '../../media/package/picture-head.ts'
import { readTrackIndex, type TrackIndex } from '../../media/package/track-index.ts'
import type { Artifact } from '../../protocol/artifact.ts'
import type { Sha256 } from '../../protocol/ids.ts'
import { packagePath, pictureName } from '../../protocol/package.ts'
import type { Plan } from '../../protocol/plan.ts'
import { remember } from '../../protocol/remember.ts'
import { soundsOf } from '../../protocol/sound-plan.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { blobBytes, SOUND_LONGEST_S } from './encoded-chunks.ts'

/** Finds the tracks of packages, and remembers their indexes. */
export interface FinishedTracks {
  /** Those of the plan that are among these files: pictures in its order, then sound. Rejects as the reads. */
  tracks(video: Video, plan: Plan, made: readonly Artifact[]): Promise<readonly GrowingTrack[]>
}

/** What the beginning of a file says. */
type Known = TrackIndex & Pick<GrowingTrack, 'codecs' | 'picture'>

/** Files whose indexes are remembered: each has up to 100 KB. */
const FILES_MAX = 200

/** Makes it, with nothing remembered. */
export function createFinishedTracks(reads: ArtifactReads): FinishedTracks {
  const known = new Map<Sha256, Promise<Known>>()

  async function read(video: Video, artifact: Artifact, of: (track: TrackOfFile) => Omit<Known, keyof TrackIndex>) {
    // Several requests may wait for it: the end of one does not end it.
    const bytes = inBlocks(blobBytes(reads, video, artifact, new AbortController().signal))
    const index = await readTrackIndex(bytes)
    return { ...index, ...of((await readTracks(bytes))[0]!) }
  }

  function remembered(artifact: Artifact, reading: () => Promise<Known>): Promise<Known> {
    const before = known.get(artifact.sha256)
    if (before) return before
    const found = reading()
    found.catch(() => known.delete(artifact.sha256))
    remember(known, artifact.sha256, found, FILES_MAX)
    return found
  }

  return {
    async tracks(video, plan, made) {
      const fileOf = (name: string) =>
        made.find(({ path }) => path === packagePath(`${name}.mp4`) || path === packagePath(name))
      const track = async (
        name: string,
        longest: number,
        of: (track: TrackOfFile) => Omit<Known, keyof TrackIndex>,
      ): Promise<GrowingTrack[]> => {
        const blob = fileOf(name)
        if (!blob) return []
        const { init, segments, ...facts } = await remembered(blob, () => read(video, blob, of))
        const piece = (start: number, length: number) => ({ blob, start, length })
        return [
          {
            name,
            ...facts,
            longest,
            init: piece(0, init),
            segments: segments.map(({ offset, ...segment }) => ({
              ...segment,
              pieces: () => [piece(offset, segment.bytes)],
            })),
            isWhole: true,
          },
        ]
      }
      const pictures = plan.renditions.map((rendition) =>
        track(pictureName(rendition.id), longestSegment(plan), (of) => {
          const { codecs, range, hasCaptions } = pictureHead(of, rendition, plan)
          return { codecs, picture: { range, hasCaptions, fps: plan.fps, rendition } }
        }),
      )
      const sounds = soundsOf(plan).map((_, at) =>
        track(`audio-${at + 1}`, SOUND_LONGEST_S, (of) => ({ codecs: entryFacts(of).codecs })),
      )
      return (await Promise.all([...pictures, ...sounds])).flat()
    },
  }
}

type TrackOfFile = Awaited<ReturnType<typeof readTracks>>[number]

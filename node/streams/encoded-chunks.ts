/** The pictures of a rendition that is being encoded: its first chunks, whose tables are read by ranges, wherever they lie. */
import { type Bytes, readTracks } from '../../media/mp4.ts'
import type { GrowingTrack } from '../../media/package/growing-manifests.ts'
import { inBlocks, longestSegment } from '../../media/package/growing-track.ts'
import { SEGMENT_S } from '../../media/package/layout.ts'
import { type ListedChunk, listedChunk, pictureSegments, picturesOf } from '../../media/package/picture-list.ts'
import type { Artifact } from '../../protocol/artifact.ts'
import type { HeldBlob } from '../../protocol/blobs.ts'
import { type Sha256, taskId } from '../../protocol/ids.ts'
import { pictureName } from '../../protocol/package.ts'
import type { Plan, RenditionPlan } from '../../protocol/plan.ts'
import { remember } from '../../protocol/remember.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'

/** No segment of sound is as long, seconds: see `SoundDivision`. */
export const SOUND_LONGEST_S = 1.5 * SEGMENT_S

/** Chunks whose tables are remembered: each takes some KB, and a film of two hours in three renditions has 3,000. */
const CHUNKS_MAX = 6_000
/** Chunks that are read at once. */
const READ_AT_ONCE = 8

/** Where a rendition is: `blobs` has those of its chunks that may be listed, by the ids of their tasks. */
export interface EncodedRendition {
  readonly rendition: RenditionPlan
  readonly plan: Plan
  readonly blobs: ReadonlyMap<string, HeldBlob>
}

/** Finds tracks of pictures, and remembers the tables of chunks. */
export interface EncodedChunks {
  /** The track, once a segment of it is there: a list of one or none. Rejects as the reads. */
  track(video: Video, of: EncodedRendition): Promise<GrowingTrack[]>
}

/** A blob of what is encoded, as reads of artifacts take it. */
export const encodedFile = (blob: HeldBlob): Artifact => ({
  path: 'an encoded file',
  media_type: 'video/mp4',
  ...blob,
})

/** The bytes of a blob, wherever it lies. */
export function blobBytes(reads: ArtifactReads, video: Video, blob: HeldBlob, signal: AbortSignal): Bytes {
  return {
    size: blob.bytes,
    async read(into, position) {
      let at = 0
      const range = { from: position, to: Math.min(blob.bytes, position + into.length) }
      for await (const piece of reads.read(video, encodedFile(blob), range, signal))
        at += Buffer.from(piece).copy(into, at)
    },
  }
}

/** Makes it, with nothing remembered. */
export function createEncodedChunks(reads: ArtifactReads): EncodedChunks {
  const known = new Map<Sha256, Promise<ListedChunk>>()

  function chunkOf(video: Video, of: Parameters<typeof listedChunk>[1]): Promise<ListedChunk> {
    const { sha256 } = of.blob
    const before = known.get(sha256)
    if (before) return before
    // Several requests may wait for it: the end of one does not end it.
    const { signal } = new AbortController()
    const bytes = inBlocks(blobBytes(reads, video, of.blob, signal))
    const reading = readTracks(bytes).then(([track]) => listedChunk(track!, of))
    reading.catch(() => known.delete(sha256))
    remember(known, sha256, reading, CHUNKS_MAX)
    return reading
  }

  return {
    async track(video, { rendition, plan, blobs }) {
      const found = plan.chunks.map(({ chunk_id }) => blobs.get(taskId(video._id, rendition.id, chunk_id)))
      const gap = found.indexOf(undefined)
      const held = (gap === -1 ? found : found.slice(0, gap)) as HeldBlob[]
      const chunks: ListedChunk[] = []
      for (let at = 0; at < held.length; at += READ_AT_ONCE) {
        const some = held.slice(at, at + READ_AT_ONCE)
        const reading = some.map((blob, nth) => chunkOf(video, { rendition, plan, chunk: at + nth, blob }))
        chunks.push(...(await Promise.all(reading)))
      }
      const segments = pictureSegments(chunks, plan)
      if (!chunks[0] || segments.length === 0) return []
      const { init, codecs, ...facts } = picturesOf(chunks[0], rendition, plan)
      const [name, timescale, longest] = [pictureName(rendition.id), plan.track_timescale, longestSegment(plan)]
      const picture = { ...facts, rendition }
      return [{ name, timescale, longest, init, segments, isWhole: gap === -1, codecs, picture }]
    },
  }
}

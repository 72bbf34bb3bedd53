/** The segments of a rendition as far as it is encoded, out of its chunks. Pure. */
import type { HeldBlob } from '../../protocol/blobs.ts'
import type { Plan, RenditionPlan } from '../../protocol/plan.ts'
import { Mp4Broken, type Track } from '../mp4.ts'
import {
  chunkFragments,
  chunkSegments,
  type EncodedChunk,
  fragmentPieces,
  type GrowingSegment,
  growingSegments,
} from './growing-track.ts'
import { initOf } from './init.ts'
import { pictureDelay, pictureHead, pictureRate } from './picture-head.ts'
import type { ListedSegment, SoundPiece } from './sound-list.ts'

/** An encoded chunk, and the blob that it was read from. */
export interface ListedChunk extends EncodedChunk {
  readonly blob: HeldBlob
}

/** What the first chunk says of the rendition. Throws `AttemptFailed('build_cannot')` as `entryFacts`. */
export const picturesOf = (chunk: ListedChunk, rendition: RenditionPlan, plan: Plan) => {
  const { head, ...facts } = pictureHead(chunk.track, rendition, plan)
  return { init: initOf(head), ...facts, fps: pictureRate(plan, chunk.fragments) }
}

/** The chunk of this number, by the tables of its file. Throws `Mp4Broken` where these are of another rendition. */
export function listedChunk(
  track: Track,
  { rendition, plan, chunk, blob }: { rendition: RenditionPlan; plan: Plan; chunk: number; blob: HeldBlob },
): ListedChunk {
  const { width, height, timescale, kind } = track
  if (
    kind !== 'video' ||
    width !== rendition.width ||
    height !== rendition.height ||
    timescale !== plan.track_timescale
  )
    throw new Mp4Broken(`not a chunk of ${rendition.id}`)
  const delay = pictureDelay(plan, rendition)
  return { track, blob, fragments: chunkFragments(track, plan, { chunk, delay }) }
}

/** The segments that the first chunks of a rendition give for good. */
export function pictureSegments(chunks: readonly ListedChunk[], plan: Plan): ListedSegment[] {
  const own = chunks.map(({ fragments }) => chunkSegments(fragments, plan.track_timescale))
  return growingSegments(own, plan).map((segment) => ({
    start: chunks[segment.chunk]!.fragments[segment.before]!.start,
    duration: segment.duration,
    bytes: segment.bytes,
    pieces: () => piecesOf(segment, chunks),
  }))
}

function* piecesOf(
  { chunk, before, fragments, hasTail }: GrowingSegment,
  chunks: readonly ListedChunk[],
): Generator<SoundPiece> {
  yield* chunkPieces(chunks[chunk]!, before, before + fragments)
  if (hasTail) yield* chunkPieces(chunks[chunk + 1]!, 0)
}

function* chunkPieces({ track, blob, fragments }: ListedChunk, from: number, to?: number): Generator<SoundPiece> {
  for (const piece of fragmentPieces(fragments.slice(from, to), track))
    yield Buffer.isBuffer(piece) ? piece : { blob, start: piece.start, length: piece.length }
}

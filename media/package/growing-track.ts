/**
 * The track of a rendition while its film is encoded: which segments its first chunks give, for good. They are those of the finished track, as a
 * fragment depends on its chunk and the plan only. Pure.
 */
import type { Plan } from '../../protocol/plan.ts'
import type { Bytes, Track } from '../mp4.ts'
import { type Stretch, stretchesOf } from '../sample-bytes.ts'
import { chunkTimes, type Fragment, pictureFragments, SEGMENT_S, segmentSizes, TAIL_S } from './layout.ts'

/** An encoded chunk of a rendition: its tables, and its fragments. */
export interface EncodedChunk {
  readonly track: Track
  readonly fragments: readonly Fragment[]
}

/** What lists say of a segment. */
export interface SegmentFacts {
  /** Number of fragments of its chunk. */
  readonly fragments: number
  readonly bytes: number
  /** Ticks. */
  readonly duration: number
}

/** A segment of the track. */
export interface GrowingSegment extends SegmentFacts {
  /** Number of its chunk. */
  readonly chunk: number
  /** Number of fragments of that chunk that lie before it. */
  readonly before: number
  /** The last chunk belongs to it too: see `segmentSizes`. */
  readonly hasTail: boolean
}

/** The fragments of a chunk. `delay`: see `pictureDelay`. */
export const chunkFragments = (
  track: Track,
  plan: Plan,
  { chunk, delay }: { chunk: number; delay: number },
): Fragment[] =>
  pictureFragments({ track, ...chunkTimes(plan, chunk) }, { file: chunk, keyframeS: plan.keyframe_s, delay })

/** The segments of a chunk alone. `timescale`: ticks per second. */
export function chunkSegments(fragments: readonly Fragment[], timescale: number): SegmentFacts[] {
  let at = 0
  return segmentSizes(fragments, timescale).map((size) => {
    const group = fragments.slice(at, at + size)
    at += size
    const end = fragments[at]?.start ?? group.at(-1)!.end
    const bytes = group.reduce((sum, fragment) => sum + fragment.bytes, 0)
    return { fragments: size, bytes, duration: end - group[0]!.start }
  })
}

/** Whether the last chunk is too short for a segment of its own. */
export function hasTail(plan: Plan): boolean {
  const last = plan.chunks.length - 1
  const { start, end } = chunkTimes(plan, last)
  return last > 0 && (end - start) / plan.track_timescale < TAIL_S
}

/** The segments that cannot change any more, from those of the first chunks. */
export function growingSegments(chunks: readonly (readonly SegmentFacts[])[], plan: Plan): GrowingSegment[] {
  const segments = chunks.flatMap((own, chunk) => {
    let before = 0
    return own.map((facts): GrowingSegment => {
      const segment = { ...facts, chunk, before, hasTail: false }
      before += facts.fragments
      return segment
    })
  })
  const all = plan.chunks.length
  if (!hasTail(plan) || chunks.length < all - 1) return segments
  if (chunks.length < all) return segments.slice(0, -1)
  const [whole, tail] = [segments.at(-2)!, segments.at(-1)!]
  const joined = { ...whole, bytes: whole.bytes + tail.bytes, duration: whole.duration + tail.duration, hasTail: true }
  return [...segments.slice(0, -2), joined]
}

/** More seconds than any segment of the film has, whole: what is left of a chunk, or after it, may join a segment, which is full with its last fragment. */
export function longestSegment(plan: Plan): number {
  const seconds = plan.chunks.map((_, chunk) => {
    const { start, end } = chunkTimes(plan, chunk)
    return (end - start) / plan.track_timescale
  })
  // Pictures may lie far apart where the rate varies: then keyframes do too.
  const regular = plan.variable_rate ? Number.POSITIVE_INFINITY : SEGMENT_S + plan.keyframe_s + SEGMENT_S / 2
  return Math.max(1, Math.ceil(Math.min(Math.max(...seconds), regular) + (hasTail(plan) ? TAIL_S : 0)))
}

/** The bytes of fragments, in order: those that are written here, and those that lie in the file of their chunk. */
export function* fragmentPieces(fragments: readonly Fragment[], track: Track): Generator<Buffer | Stretch> {
  for (const { head, from, to } of fragments) {
    yield head
    yield* stretchesOf(track, from, to)
  }
}

/** Bytes that are read at once where the index of a file is looked for. */
const BLOCK_BYTES = 64 * 1024

/** The same bytes, read in blocks, one of which is kept: the headers of boxes cost one read, and mostly the index does not cost another. */
export function inBlocks({ size, read }: Bytes): Bytes {
  let [start, block] = [0, Buffer.alloc(0)]
  return {
    size,
    async read(into, position) {
      const end = Math.min(size, position + into.length)
      if (position < start || end > start + block.length) {
        const bytes = Math.min(size - position, Math.max(into.length, BLOCK_BYTES))
        if (bytes <= 0) return
        ;[start, block] = [position, Buffer.alloc(bytes)]
        await read(block, position)
      }
      block.copy(into, 0, position - start)
    },
  }
}

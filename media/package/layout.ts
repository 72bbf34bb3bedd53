/**
 * How a track of a package is divided: fragments, which begin with a keyframe, and segments of about 6 s, which manifests list. Pure. It
 * follows from the plan and the sample tables of the encoded files alone.
 */
import { type Plan, sinceStart } from '../../protocol/plan.ts'
import type { Track } from '../mp4.ts'
import { rescale } from '../rational.ts'
import { type FragmentSample, fragmentHead } from './fragment.ts'

/** Length of a segment that is aimed at, seconds: HLS authoring asks for 6. */
export const SEGMENT_S = 6
/** A chunk as short as this at the end of a film, seconds, has no segment of its own. */
export const TAIL_S = 0.5
/** More than the number of fragments of a chunk: fragment numbers are those of the chunk × this, so that they do not depend on other chunks. */
const FRAGMENTS_MAX = 10_000

/** One fragment of a track, from samples `[from, to)` of one file; times in ticks. */
export interface Fragment {
  /** Number of the file among those of the track. */
  readonly file: number
  /** Number of its first sample in the file. */
  readonly from: number
  /** Number of the first sample behind it. */
  readonly to: number
  /** The `moof` and the header of the `mdat`. */
  readonly head: Buffer
  /** Bytes of all of it; and of its beginning with the first sample. */
  readonly bytes: number
  readonly keyBytes: number
  /** Ticks, as `end`. */
  readonly start: number
  /** Ticks. */
  readonly end: number
}

/** A file of samples, and its part of the track, ticks. */
export interface Part {
  readonly track: Track
  /** Ticks, as `end`. */
  readonly start: number
  /** Ticks. */
  readonly end: number
}

/** When a chunk begins and ends in the tracks of pictures, ticks. */
export function chunkTimes(plan: Plan, chunk: number): Pick<Part, 'start' | 'end'> {
  const ticks = (pts: number) => plan.lead + rescale(sinceStart(plan, pts), plan.time_base, [1, plan.track_timescale])
  const { start_pts, end_pts } = plan.chunks[chunk]!
  return { start: ticks(start_pts), end: ticks(end_pts) }
}

/**
 * How long a picture is decoded before it is shown, ticks: two pictures where the encoder reorders them, three B-frames in a pyramid.
 */
export const reorderDelay = (plan: Pick<Plan, 'b_frames' | 'fps' | 'track_timescale'>, isReordered: boolean): number =>
  isReordered && plan.b_frames > 0 ? Math.ceil((2 * plan.track_timescale * plan.fps[1]) / plan.fps[0]) : 0

/** The fragments of one chunk: one for each keyframe, those of less than half of `keyframeS` seconds together. */
export function pictureFragments(
  { track, start, end }: Part,
  of: { readonly file: number; readonly keyframeS: number; readonly delay: number },
): Fragment[] {
  const isKey = keyTest(track)
  const first: number[] = []
  for (let at = 0; at < track.times.length; at++) {
    const since = at === 0 ? 0 : (track.times[at]! - track.times[first.at(-1)!]!) / track.timescale
    if (at === 0 || (isKey(at) && since >= of.keyframeS / 2)) first.push(at)
  }
  return first.map((from, number) => {
    const to = first[number + 1] ?? track.times.length
    const until = number + 1 < first.length ? start + track.times[to]! : end
    const samples = samplesOf(track, { from, to, shift: start, isKey })
    const sequence = of.file * FRAGMENTS_MAX + number + 1
    const fragment = fragmentOf(samples, { file: of.file, from, end: until, delay: of.delay, sequence })
    // Where no decoder could read the first pictures of a chunk: its lists must not depend on that of the next one.
    return number === 0 ? { ...fragment, start } : fragment
  })
}

function keyTest({ keyframes }: Track): (sample: number) => boolean {
  if (keyframes === null) return () => true
  const keys = new Set(keyframes)
  return (sample) => keys.has(sample)
}

const samplesOf = (
  { times, sizes }: Track,
  { from, to, shift, isKey }: { from: number; to: number; shift: number; isKey: (sample: number) => boolean },
): FragmentSample[] =>
  Array.from({ length: to - from }, (_, at) => ({
    time: times[from + at]! + shift,
    bytes: sizes[from + at]!,
    isKey: isKey(from + at),
  }))

/** The fragment of these samples. */
export function fragmentOf(
  samples: readonly FragmentSample[],
  { file, from, ...of }: { file: number; from: number; end: number; delay: number; sequence: number },
): Fragment {
  const head = fragmentHead({ samples, ...of })
  const bytes = samples.reduce((sum, sample) => sum + sample.bytes, head.length)
  const start = samples.reduce((least, { time }) => Math.min(least, time), Number.POSITIVE_INFINITY)
  return {
    file,
    from,
    to: from + samples.length,
    head,
    bytes,
    keyBytes: head.length + samples[0]!.bytes,
    start,
    end: of.end,
  }
}

/**
 * The number of fragments of each segment. A segment never spans two files, so that it can be published when its file is there; but a last
 * file that is very short belongs to the segment before it.
 */
export function segmentSizes(
  fragments: readonly Pick<Fragment, 'file' | 'start' | 'end'>[],
  timescale: number,
): number[] {
  const files = [...Map.groupBy(fragments, ({ file }) => file).values()]
  const sizes: number[] = []
  for (const [at, group] of files.entries()) {
    const seconds = (group.at(-1)!.end - group[0]!.start) / timescale
    if (at > 0 && at === files.length - 1 && seconds < TAIL_S) sizes.push(sizes.pop()! + group.length)
    else sizes.push(...groupSizes(group, timescale))
  }
  return sizes
}

/** Fragments of one file until they are `SEGMENT_S` long; what is left is a segment if it is half as long. */
function groupSizes(fragments: readonly Pick<Fragment, 'start' | 'end'>[], timescale: number): number[] {
  const sizes: number[] = []
  let [size, begin] = [0, 0]
  const seconds = (from: number, to: number) => (fragments[to]!.end - fragments[from]!.start) / timescale
  for (let at = 0; at < fragments.length; at++) {
    size++
    if (seconds(begin, at) < SEGMENT_S - TAIL_S) continue
    sizes.push(size)
    ;[size, begin] = [0, at + 1]
  }
  if (size === 0) return sizes
  const isShort = seconds(begin, fragments.length - 1) < SEGMENT_S / 2
  return isShort && sizes.length > 0 ? [...sizes.slice(0, -1), sizes.at(-1)! + size] : [...sizes, size]
}

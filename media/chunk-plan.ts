/**
 * Where a source is cut. Pure.
 *
 * Boundaries are times of frames. A keyframe off the regular grid is best (encoders put them on scene cuts: that saves one I-frame), then
 * any keyframe between 6 and 8 s, then the nearest keyframe a little outside; a cut elsewhere decodes again from the keyframe before it.
 * Inside a GOP longer than 10 s chunks have at least max(8 s, GOP ÷ 4), so that all repeated decoding is less than 1.5 decodes of the video.
 *
 * A short film is cut where few slots end soonest (`short-cuts.ts`).
 */
import { CHUNK_S, LONG_GOP_S } from '../protocol/limits.ts'
import type { ChunkPlan, ClockJump, Plan, Rational } from '../protocol/plan.ts'
import { keyTimes, lowerBound, upperBound } from './key-times.ts'
import type { Packets } from './packet-index.ts'
import { secondsOf } from './rational.ts'
import { shortCuts } from './short-cuts.ts'

/** The packets and frame times of a source. Times are in ticks of `time_base`. */
export interface ChunkSource {
  readonly times: readonly number[]
  readonly end_pts: number
  readonly time_base: Rational
  readonly packets: Packets
  /** Whether the source is one chunk, which is read from the source itself. */
  readonly whole: boolean
  /** Cores that each encode keeps busy where there are few chunks: more than one where several threads encode each. */
  readonly encodeCores: number
  /** Whether its chunks are encoded one at a time (`Plan`): then they are longer. */
  readonly oneAtATime: boolean
  /** Times at which a chunk must begin, ascending: the picture changes its shape there. */
  readonly breaks?: readonly number[]
  /** Keyframes before that of a chunk at which its cut begins. */
  readonly run_in?: number
  /** Jumps of the clock, of which no chunk holds both sides. */
  readonly jumps?: readonly ClockJump[]
}

/** Range of chunk lengths, s, in which a keyframe is preferred to any other frame: it costs less than decoding twice. */
const KEYFRAME_S = { min: 4, max: 10 } as const
/**
 * How much longer chunks are that are encoded one at a time: between two of them cores are idle, while the one ends and the other starts. Who ends the run in
 * the midst of one loses some 30 s of film.
 */
const LONGER = 4

/** The chunks of a source, in order, without gap or overlap. */
export function planChunks(source: ChunkSource): ChunkPlan[] {
  const { times, end_pts } = source
  if (source.whole) return wholeParts(source)
  const parts = partsOf(source)
  const cut = (part: ChunkSource) => (parts.length === 1 && shortCuts(part)) || boundaries(part)
  const starts = parts.flatMap(({ first, ...part }) => cut(part).map((start) => first + start))
  const cutter = createCutter(source.packets)
  return starts.map((start, chunk_id) => {
    const next = starts[chunk_id + 1]
    const [start_pts, end] = [times[start]!, next === undefined ? end_pts : times[next]!]
    return {
      chunk_id,
      start_pts,
      end_pts: end,
      frames: (next ?? times.length) - start,
      cut: cutter(start_pts, next === undefined ? null : end, source.run_in).cut,
    }
  })
}

/** One chunk, which is read from the source itself; one more after each jump of its clock. */
function wholeParts({ breaks: _, ...source }: ChunkSource): ChunkPlan[] {
  const parts = partsOf(source)
  return parts.map(({ times }, chunk_id) => {
    const end_pts = parts[chunk_id + 1]?.times[0] ?? source.end_pts
    return { chunk_id, start_pts: times[0]!, end_pts, frames: times.length, cut: null }
  })
}

/** The stretches between two breaks or jumps of the clock, each with the number of its first frame. */
function partsOf(source: ChunkSource): (ChunkSource & { first: number })[] {
  const { times, breaks = [], jumps = [] } = source
  const starts = [...breaks, ...jumps.map(({ to }) => to)].sort((a, b) => a - b)
  const firsts = [...new Set([0, ...starts.map((time) => lowerBound(times, time))])].filter((at) => at < times.length)
  return firsts.map((first, part) => {
    const next = firsts[part + 1]
    return {
      ...source,
      times: times.slice(first, next),
      end_pts: next === undefined ? source.end_pts : (jumps.find(({ to }) => to === times[next])?.from ?? times[next]!),
      first,
    }
  })
}

/** Indices into `times` at which chunks start. */
function boundaries({ times, end_pts, time_base, packets, oneAtATime }: ChunkSource): number[] {
  // All lengths here are in proportion.
  const second = (oneAtATime ? LONGER : 1) * (time_base[1] / time_base[0])
  const keys = keyTimes(packets, times)
  const usual = usualGop(keys)
  const starts = [0]
  for (let at = 0; ; starts.push(at)) {
    const start = times[at]!
    const left = (end_pts - start) / second
    if (left <= CHUNK_S.max) return starts
    const next =
      keyframeNear({ keys, usual, start, second, left }) ?? anyPicture({ keys, start, second, left, end_pts })
    at = next === null ? at : lowerBound(times, next)
    if (next === null || at <= starts.at(-1)! || at >= times.length) return starts
  }
}

/** The most frequent distance between two keyframes: the encoder's grid. */
function usualGop(keys: readonly number[]): number {
  const counts = new Map<number, number>()
  for (let at = 1; at < keys.length; at++) {
    const gop = keys[at]! - keys[at - 1]!
    counts.set(gop, (counts.get(gop) ?? 0) + 1)
  }
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0])[0]
}

interface PreferredCut {
  readonly keys: readonly number[]
  readonly start: number
  /** Ticks in a second. */
  readonly second: number
  /** Seconds from `start` to the end. */
  readonly left: number
}

/** Length of equal parts of the remaining seconds, none over `longest`, so that the last chunk is not a short one. */
const ideal = (left: number, longest: number = CHUNK_S.max): number => left / Math.ceil(left / longest)

function keyframeNear({ keys, usual, start, second, left }: PreferredCut & { usual: number }): number | null {
  const aim = ideal(left)
  let best: { time: number; cost: number } | null = null
  for (let at = lowerBound(keys, start + KEYFRAME_S.min * second); at < keys.length; at++) {
    const time = keys[at]!
    const length = (time - start) / second
    if (length > KEYFRAME_S.max) break
    const inside = length >= Math.min(CHUNK_S.min, aim) && length <= CHUNK_S.max
    const offGrid = at > 0 && time - keys[at - 1]! < usual * 0.95
    const cost = (inside ? 0 : 100) + (offGrid ? 0 : 10) + Math.abs(length - aim)
    if (best === null || cost < best.cost) best = { time, cost }
  }
  return best?.time ?? null
}

/** The boundary where no keyframe is near: an equal part, longer inside a long GOP. Null where the rest is one chunk. */
function anyPicture({ keys, start, second, left, end_pts }: PreferredCut & { end_pts: number }): number | null {
  const at = upperBound(keys, start)
  const [from, to] = [keys[at - 1] ?? start, keys[at] ?? end_pts]
  const gop = (to - from) / second
  const longest = gop > LONG_GOP_S ? Math.max(CHUNK_S.max, gop / 4) : CHUNK_S.max
  const ahead = (to - start) / second
  if (ahead <= longest * 1.25) return to < end_pts ? to : left <= longest * 1.25 ? null : to
  return start + ideal(ahead, longest) * second
}

/** The packets of a cut, and where a stream copy has to start and stop for them. */
export interface CutRange {
  /** Packets, in decode order, that the cut must hold: number of the first, and of the one behind the last. */
  readonly first: number
  /** Number of the packet behind the last. */
  readonly last: number
  readonly cut: NonNullable<ChunkPlan['cut']>
}

/**
 * Answers where a stream copy starts and stops for `[start, end)`: from the last keyframe not after `start`, or `runIn` (0 where left out)
 * keyframes before it, to the last packet in decode order with a time below `end`. `stop_dts` is halfway from that packet's dts to the
 * next larger one.
 */
export function createCutter(packets: Packets): (start: number, end: number | null, runIn?: number) => CutRange {
  const { pts, dts, key, discarded } = packets
  const keys = [...pts.keys()].filter((at) => key[at] && !Number.isNaN(pts[at]!)).sort((a, b) => pts[a]! - pts[b]!)
  const keyTime = keys.map((at) => pts[at]!)
  // lowest[i]: the lowest time shown from packet i on. It never falls, so that the last packet below `end` is a search.
  const lowest = new Array<number>(pts.length + 1).fill(Infinity)
  for (let at = pts.length - 1; at >= 0; at--) {
    lowest[at] = Math.min(lowest[at + 1]!, discarded[at] || Number.isNaN(pts[at]!) ? Infinity : pts[at]!)
  }
  return (start, end, runIn = 0) => {
    const nearest = upperBound(keyTime, start) - 1
    const before = nearest < 0 ? nearest : Math.max(0, nearest - runIn)
    const last = end === null ? pts.length : lowerBound(lowest, end)
    const seek_pts = before <= 0 ? null : keyTime[before]!
    return { first: before < 0 ? 0 : keys[before]!, last, cut: { seek_pts, stop_dts: stopAfter(dts, last - 1) } }
  }
}

function stopAfter(dts: readonly number[], last: number): number | null {
  let from = NaN
  for (let at = last; at >= 0 && Number.isNaN(from); at--) from = dts[at]!
  for (let at = last + 1; at < dts.length; at++) if (dts[at]! > from) return from + (dts[at]! - from) / 2
  return null
}

type Beginning = Pick<Plan, 'start_pts' | 'time_base' | 'lead' | 'track_timescale'>

/** Seconds of the source's clock at which the results begin: at the first picture, or `lead` before it. */
export function zeroOf({ start_pts, time_base, lead, track_timescale }: Beginning): number {
  return secondsOf(start_pts, time_base) - lead / track_timescale
}

/** Seconds added to a source's times in cuts and extras: NUT needs positive ones, and times before a wrap are negative. */
export function cutOffset(plan: Beginning): number {
  return 100 + Math.max(0, Math.ceil(-zeroOf(plan)))
}

/**
 * Where a short film is cut: so that two slots, or four, that take the chunks in order end soonest. Pure.
 *
 * An uneven last chunk leaves a slot idle, and a cut elsewhere than at a keyframe costs a second decode of what lies before it (the run-in).
 * Neither is worth the other at any price, so that all cuts at 96 places and at the keyframes near them are compared. What is planned does not
 * follow the slots that are there: one film has one plan, and one result.
 */
import { CHUNK_S, CHUNKS_OF_SHORT } from '../protocol/limits.ts'
import type { Rational } from '../protocol/plan.ts'
import { keyTimes, lowerBound, upperBound } from './key-times.ts'
import type { Packets } from './packet-index.ts'

/** Times are in ticks of `time_base`. */
export interface ShortFilm {
  readonly times: readonly number[]
  readonly end_pts: number
  readonly time_base: Rational
  readonly packets: Packets
  /** Cores that the encode of a chunk keeps busy: more than one where several threads encode it. */
  readonly encodeCores: number
}

/**
 * What a plan costs: seconds of film for which so many slots are held until the last chunk ends, and seconds of work, which alone count where the last encodes
 * share their cores by threads.
 */
const WEIGHTS = { two: 3, four: 1, work: 2 } as const
/** Lengths of a chunk, s: a shorter one costs bytes, and with a longer one a killed worker loses more. One that costs more than others may be shorter. */
const LENGTH_S = { min: 2, usual: 4, max: 10 } as const
/** Places at which a cut is tried beside the keyframes; halves, thirds and quarters are among them. */
const PLACES = 96
/** Cost of decoding a second of film, a share of that of encoding it: measured 0.19 for two renditions at veryfast, 0.09 at medium. */
const DECODE_COST = 0.15
/**
 * Share of the cost of an encode that follows the bytes of its source, not its length: what moves and is detailed takes both. Measured by 2 s of films
 * encoded alone: 0.32 to 0.53 with libx264 at veryfast and slow, a correlation of 0.85 to 0.99; none in a film of constant bit rate, whose bytes are even.
 */
const BYTES_COST = 0.35
/** Cost of a chunk, in seconds of film: starts, claims and one more keyframe. */
const CHUNK_COST_S = 0.2
/** Most decodes of the whole film that all run-ins together may cost. */
const RUN_INS_MAX = 1.5

/** A place at which a chunk may begin. */
interface Place {
  /** Number of its frame. */
  readonly at: number
  /** Ticks since the first picture. */
  readonly time: number
  /** Cost of encoding all before it, in ticks of an average picture. */
  readonly cost: number
  /** Ticks since the keyframe before it. */
  readonly runIn: number
}

/** Numbers of the frames at which chunks start; null where the film is not short, or cannot be cut into chunks of a sensible length. */
export function shortCuts(film: ShortFilm): number[] | null {
  const second = film.time_base[1] / film.time_base[0]
  const length = film.end_pts - film.times[0]!
  const least = Math.ceil(length / second / CHUNK_S.max)
  if (least < 2 || least > CHUNKS_OF_SHORT) return null
  return new Search(placesOf(film), { length, second, speed: film.encodeCores }).best()
}

function placesOf({ times, end_pts, packets }: ShortFilm): Place[] {
  const first = times[0]!
  const keys = keyTimes(packets, times)
  const step = (end_pts - first) / PLACES
  const costOf = costsOf(packets, { first, length: end_pts - first })
  const frames = Array.from({ length: PLACES }, (_, number) => {
    const from = first + number * step
    const key = keys[lowerBound(keys, from)]
    return [from, ...(key !== undefined && key < from + step ? [key] : [])].map((time) => lowerBound(times, time))
  })
  return [...new Set(frames.flat())]
    .filter((at) => at > 0 && at < times.length)
    .map((at) => ({
      at,
      time: times[at]! - first,
      cost: costOf(times[at]!),
      runIn: times[at]! - (keys[upperBound(keys, times[at]!) - 1] ?? first),
    }))
}

/** Answers what it costs to encode all before a time, in ticks of an average picture. Keyframes are large for another reason than motion. */
function costsOf(
  { pts, key, size }: Packets,
  { first, length }: { readonly first: number; readonly length: number },
): (time: number) => number {
  const order = [...pts.keys()].filter((at) => !key[at] && pts[at]! >= first).sort((a, b) => pts[a]! - pts[b]!)
  const times = order.map((at) => pts[at]!)
  let bytes = 0
  const before = [0, ...order.map((at) => (bytes += size[at] || 0))]
  if (bytes === 0) return (time) => time - first
  return (time) => (1 - BYTES_COST) * (time - first) + BYTES_COST * length * (before[lowerBound(times, time)]! / bytes)
}

/** Tries all ways to begin up to `CHUNKS_OF_SHORT` chunks at these places, as far as they may be the cheapest. */
class Search {
  readonly #places: readonly Place[]
  readonly #length: number
  readonly #min: number
  readonly #usual: number
  readonly #max: number
  readonly #chunkCost: number
  readonly #speed: number
  #best: { readonly cost: number; readonly starts: readonly number[] } | null = null

  /** Of a film of so many ticks. */
  constructor(
    places: readonly Place[],
    { length, second, speed }: { readonly length: number; readonly second: number; readonly speed: number },
  ) {
    this.#places = places
    this.#length = length
    this.#min = LENGTH_S.min * second
    this.#usual = LENGTH_S.usual * second
    this.#max = LENGTH_S.max * second
    this.#chunkCost = CHUNK_COST_S * second
    this.#speed = speed
  }

  best(): number[] | null {
    this.#extend([{ at: 0, time: 0, cost: 0, runIn: 0 }], 0)
    return this.#best && [...this.#best.starts]
  }

  /** `from`: number of the first place behind the last of `starts`. */
  #extend(starts: readonly Place[], from: number): void {
    const last = starts.at(-1)!
    const runIns = starts.reduce((sum, { runIn }) => sum + runIn, 0)
    const work = this.#length + DECODE_COST * runIns + this.#chunkCost * starts.length
    if (runIns > RUN_INS_MAX * this.#length || heldFor([work / 4, work / 2, work]) >= (this.#best?.cost ?? Infinity))
      return
    if (this.#isChunk(last, { time: this.#length, cost: this.#length })) this.#take(starts)
    if (starts.length === CHUNKS_OF_SHORT) return
    for (let number = from; number < this.#places.length; number++) {
      const place = this.#places[number]!
      if (place.time > last.time + this.#max) return
      if (this.#isChunk(last, place)) this.#extend([...starts, place], number + 1)
    }
  }

  #isChunk(from: Pick<Place, 'time' | 'cost'>, to: Pick<Place, 'time' | 'cost'>): boolean {
    const length = to.time - from.time
    return length >= this.#min && length <= this.#max && to.cost - from.cost >= this.#usual
  }

  #take(starts: readonly Place[]): void {
    const work = starts.map(
      ({ cost, runIn }, at) => (starts[at + 1]?.cost ?? this.#length) - cost + DECODE_COST * runIn + this.#chunkCost,
    )
    const cost = heldFor([endOf(work, 4, this.#speed), endOf(work, 2, this.#speed), endOf(work, 1, 1)])
    if (this.#best === null || cost < this.#best.cost) this.#best = { cost, starts: starts.map(({ at }) => at) }
  }
}

/** By the ends of the work on four slots, on two and on one. */
const heldFor = ([four, two, one]: readonly [number, number, number]): number =>
  WEIGHTS.four * 4 * four + WEIGHTS.two * 2 * two + WEIGHTS.work * one

/**
 * When so many slots, each with a core, that take this work in order have done the last of it, ticks. Encodes take what is left of the cores beside those
 * that have ended, each up to `speed` of one.
 */
function endOf(work: readonly number[], slots: number, speed: number): number {
  const left = work.slice(0, slots)
  let [end, next] = [0, slots]
  while (left.length > 0) {
    const each = Math.min(speed, slots / left.length)
    const first = left.indexOf(Math.min(...left))
    const ticks = left[first]!
    end += ticks / each
    for (const at of left.keys()) left[at]! -= ticks
    if (next < work.length) left[first] = work[next++]!
    else left.splice(first, 1)
  }
  return end
}

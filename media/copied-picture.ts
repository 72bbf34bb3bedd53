/**
 * Pictures of a source that are not encoded, as Matroska results hold them: which of their packets, and when, and whether a copy by ffmpeg has these. Pure.
 *
 * A track begins with a keyframe that the film shows: what lies before it could only be decoded with pictures that Matroska has no way to hide. Where an
 * edit list hides its end, it ends before the first hidden packet.
 */
import type { Plan } from '../protocol/plan.ts'
import { zeroOf } from './chunk-plan.ts'
import { closedSeconds } from './clock-jumps.ts'
import { earliestFrom } from './matroska/clusters.ts'
import type { Packets as Copied } from './matroska/read-matroska.ts'
import { frameRate, hiddenInside, type Packets } from './packet-index.ts'
import { secondsOf } from './rational.ts'

/** The packets of a picture that the results hold. */
export interface FilmPictures {
  /** Their numbers in the source, in the order in which they are decoded. */
  readonly numbers: readonly number[]
  /** When each is shown: ms of the results, and seconds of the source. */
  readonly times: readonly number[]
  readonly seconds: readonly number[]
  /** Number of all packets in the source, and of the pictures that are left out. */
  readonly all: number
  readonly lost: number
  readonly variable_rate: boolean
}

/** The packets of a source that the results of a plan hold; null where none can be shown, or not by their own times. */
export function filmPictures(
  source: Packets,
  plan: Pick<Plan, 'start_pts' | 'time_base' | 'lead' | 'track_timescale' | 'jumps'>,
): FilmPictures | null {
  const { pts, key, discarded, timeBase } = source
  const shown = pts.filter((_, at) => !discarded[at]).sort((a, b) => a - b)
  if (timeBase === null || pts.some(Number.isNaN) || hiddenInside(source, shown)) return null
  const zero = zeroOf(plan)
  const seconds = pts.map((time) => secondsOf(time, timeBase))
  // Halves are rounded up, as those of the picture that is encoded.
  const times = seconds.map((time) =>
    Math.round((closedSeconds(time, plan.jumps, plan.time_base) - zero) * 1000 + 1e-6),
  )
  const first = pts.findIndex((_, at) => key[at] && !discarded[at] && times[at]! >= 0)
  if (first < 0) return null
  const hidden = discarded.indexOf(true, first)
  // After a keyframe in mid-film packets may follow that are shown before it, and cannot be decoded from it on.
  const least = first === 0 ? 0 : times[first]!
  const numbers = [...pts.keys()].slice(first, hidden < 0 ? undefined : hidden).filter((at) => times[at]! >= least)
  const own = numbers.map((at) => pts[at]!).sort((a, b) => a - b)
  return {
    numbers,
    times: numbers.map((at) => times[at]!),
    seconds: numbers.map((at) => seconds[at]!),
    all: pts.length,
    lost: shown.length - numbers.length,
    variable_rate: frameRate(own, timeBase, []).variable,
  }
}

/** Most ms between a time of the source and that of a copy, which is rounded. */
const ROUNDED_MS = 1

/** The packets of a copy with their exact times, ms; null where it is none of these. `offset`: seconds that its times are later than those of the source. */
export function exactPackets(copied: Copied, wanted: FilmPictures, offset: number): Copied | null {
  // ffmpeg begins a copy with a keyframe.
  const skipped = wanted.all - copied.times.length
  const rows = wanted.numbers.map((at) => at - skipped)
  const isOther = (row: number, at: number) =>
    !(Math.abs(copied.times[row]! - (wanted.seconds[at]! + offset) * 1000) <= ROUNDED_MS)
  if (rows.some(isOther)) return null
  const pick = (values: ArrayLike<number>) => rows.map((row) => values[row]!)
  return {
    files: copied.files,
    file: null,
    times: Float64Array.from(wanted.times),
    durations: new Float64Array(rows.length).fill(-1),
    sizes: Uint32Array.from(pick(copied.sizes)),
    offsets: Float64Array.from(pick(copied.offsets)),
    keys: Uint8Array.from(pick(copied.keys)),
  }
}

/** Most ms by which a picture is decoded before it is shown; of real films it is a second. A block of Matroska has a place for 32 s. */
const REORDERED_MS_MAX = 10_000

/** Whether packets have times that a file can hold. */
export function isInOrder({ times }: Pick<Copied, 'times'>): boolean {
  const earliest = earliestFrom(times)
  return times.every((time, at) => time - earliest[at]! <= REORDERED_MS_MAX)
}

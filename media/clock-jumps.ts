/**
 * Jumps of a source's clock: recordings of broadcasts that were joined, or whose sender was restarted, go on hours later without a picture in
 * between. Formats whose clock may jump (MPEG-TS and PS) have such gaps closed up in the results, picture and sound alike, as ffmpeg does.
 * Plan and cuts keep the source's clock. Pure.
 */
import type { ClockJump, Fate, Rational } from '../protocol/plan.ts'
import { seconds } from './commands/argument.ts'
import type { Packets } from './packet-index.ts'
import { secondsOf } from './rational.ts'

/** The least gap that is a jump, s: ffmpeg's `-dts_delta_threshold`. */
const JUMP_S = 10
/** A gap of less than this many usual distances between two pictures is a slide that stays long. */
const STEPS_MIN = 20
/** Jumps of one source; a clock with more of them means nothing, and each is a chunk. */
const JUMPS_MAX = 50
/** Formats of ffmpeg whose clock may jump. */
const FORMATS = ['mpegts', 'mpeg']

/** Whether the clock of a format may jump. `format`: ffmpeg's names, separated by commas. */
export const mayJump = (format: string): boolean => format.split(',').some((name) => FORMATS.includes(name))

/** Gaps between the times of pictures that may be jumps, in order. None where the pictures are as far apart anyway, or gaps are many. */
export function gapsIn(times: readonly number[], { pts, duration }: Packets, timeBase: Rational): ClockJump[] {
  const steps = times.slice(1).map((time, before) => time - times[before]!)
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 0
  const gaps = steps.flatMap((step, before) => {
    if (secondsOf(step, timeBase) <= JUMP_S || step < STEPS_MIN * usual) return []
    const last = times[before]!
    const own = duration[pts.lastIndexOf(last)] ?? 0
    return [{ from: last + (own > 0 && own < step ? own : usual), to: last + step }]
  })
  return gaps.length > JUMPS_MAX ? [] : gaps
}

/** Whether something is heard or seen within a gap: then it is none of the clock. `times`: seconds of another track's packets. */
export function isFilled({ from, to }: ClockJump, times: readonly number[], timeBase: Rational): boolean {
  const [start, end] = [secondsOf(from, timeBase), secondsOf(to, timeBase)]
  // Tracks are a little apart at either end.
  const margin = (end - start) / 4
  return times.some((time) => time > start + margin && time < end - margin)
}

/**
 * Seconds of the source, of any track, with the gaps before closed up: what lies in the first half of a gap belongs to what is before it.
 */
export const closedSeconds = (time: number, jumps: readonly ClockJump[] = [], timeBase: Rational): number =>
  jumps.reduce((closed, jump) => (time >= middleOf(jump, timeBase) ? closed - lengthOf(jump, timeBase) : closed), time)

const middleOf = ({ from, to }: ClockJump, timeBase: Rational): number => secondsOf((from + to) / 2, timeBase)
const lengthOf = ({ from, to }: ClockJump, timeBase: Rational): number => secondsOf(to - from, timeBase)

/**
 * The gaps as the end of an expression of `asetpts`, which moves sound as `closedSeconds` does. `offset`: seconds that the times of the
 * filter's input are later than those of the source.
 */
export const closingTerms = (jumps: readonly ClockJump[] = [], timeBase: Rational, offset: number): string =>
  jumps
    .map((jump) => `-gte(T\\,${seconds(middleOf(jump, timeBase) + offset)})*${seconds(lengthOf(jump, timeBase))}/TB`)
    .join('')

/** What becomes of the gaps. */
export function jumpFates(jumps: readonly ClockJump[], start_pts: number, timeBase: Rational): Fate[] {
  const [first] = jumps
  if (!first) return []
  const at = secondsOf(first.from - start_pts, timeBase).toFixed(1)
  const seconds = jumps.reduce((sum, jump) => sum + lengthOf(jump, timeBase), 0)
  const times = jumps.length === 1 ? '' : `, and again later (${jumps.length} times)`
  const note = `The timestamps jump forward after ${at} s${times} (${Math.round(seconds)} s in all) without a frame in between: the gaps are closed up.`
  return [{ part: 'gaps of the timestamps', fate: 'converted', note }]
}

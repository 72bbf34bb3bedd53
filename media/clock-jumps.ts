/**
 * Jumps of a source's clock: recordings of broadcasts that were joined, or whose sender was restarted, go on hours later without a picture in
 * between. Formats whose clock may jump (MPEG-TS and PS) have them closed up, as ffmpeg itself does, in picture and sound alike. Pure.
 *
 * Two clocks: that of the *source*, and the *closed* one of the plan. They differ by the sum of the jumps before.
 */
import type { ClockJump, Rational } from '../protocol/plan.ts'
import type { Packets } from './packet-index.ts'
import { secondsOf } from './rational.ts'

/** The least gap that is a jump, s: ffmpeg's `-dts_delta_threshold`. */
const JUMP_S = 10
/** A gap of less than this many usual distances between two pictures is a slide that stays long. */
const STEPS_MIN = 20
/** Jumps of one source; more of them are a clock that tells nothing. */
export const JUMPS_MAX = 100
/** Formats of ffmpeg whose clock may jump. */
const FORMATS = ['mpegts', 'mpeg']

/** Whether the clock of a format may jump. `format`: ffmpeg's names, separated by commas. */
export const mayJump = (format: string): boolean => format.split(',').some((name) => FORMATS.includes(name))

/** A gap in the pictures of a source, in ticks of its clock: no picture is shown in `[from, to)`. */
export interface Gap {
  readonly from: number
  readonly to: number
}

/** Gaps between pictures that may be jumps, in order. None where the pictures are as far apart anyway. */
export function gapsIn({ pts, duration, discarded }: Packets, timeBase: Rational): Gap[] {
  const order = [...pts.keys()].filter((at) => !discarded[at] && !Number.isNaN(pts[at]!))
  order.sort((a, b) => pts[a]! - pts[b]!)
  const steps = order.slice(1).map((at, before) => pts[at]! - pts[order[before]!]!)
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 0
  return steps.flatMap((step, before) => {
    if (secondsOf(step, timeBase) <= JUMP_S || step < STEPS_MIN * usual) return []
    const last = order[before]!
    const from = pts[last]! + (duration[last]! > 0 && duration[last]! < step ? duration[last]! : usual)
    return [{ from, to: pts[last]! + step }]
  })
}

/** The jumps that these gaps are. */
export function jumpsOf(gaps: readonly Gap[]): ClockJump[] {
  let before = 0
  return gaps.map(({ from, to }) => {
    const ticks = to - from
    const pts = from - before
    before += ticks
    return { pts, ticks }
  })
}

/** The same packets on the closed clock. A decode time belongs to its picture. */
export function closeUp(packets: Packets, jumps: readonly ClockJump[]): Packets {
  const shifts = packets.pts.map((pts, at) => shiftAtSource(Number.isNaN(pts) ? packets.dts[at]! : pts, jumps))
  return {
    ...packets,
    pts: packets.pts.map((pts, at) => pts - shifts[at]!),
    dts: packets.dts.map((dts, at) => dts - shifts[at]!),
  }
}

/** Ticks to subtract from a time of the source's clock. */
export function shiftAtSource(pts: number, jumps: readonly ClockJump[]): number {
  let shift = 0
  // The middle of a gap: decode times and sound are a little apart from the pictures.
  for (const jump of jumps) if (pts >= jump.pts + shift + jump.ticks / 2) shift += jump.ticks
  return shift
}

/** Ticks to add to a picture's time of the closed clock. */
export const shiftAt = (pts: number, jumps: readonly ClockJump[]): number =>
  jumps.reduce((sum, jump) => (pts >= jump.pts ? sum + jump.ticks : sum), 0)

/**
 * What `asetpts` subtracts beside, as an expression: the seconds of the jumps before a sample, by the clock of ffmpeg's input, which is the
 * source's plus `offset` seconds. Empty without jumps.
 */
export function jumpTerms(jumps: readonly ClockJump[], timeBase: Rational, offset: number): string {
  let shift = 0
  return jumps
    .map(({ pts, ticks }) => {
      const middle = secondsOf(pts + shift + ticks / 2, timeBase) + offset
      shift += ticks
      return `-gte(T\\,${middle.toFixed(6)})*${secondsOf(ticks, timeBase).toFixed(6)}/TB`
    })
    .join('')
}

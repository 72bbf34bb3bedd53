/**
 * Where an output looks and sounds other than a player makes its source. Pure: frames and beeps in, sentences out; no
 * sentence means exact. Times are compared relative to the first frame shown, so that sound keeps its place beside it.
 */
import type { Cue, Frame } from './read.ts'
import type { Shown } from './shown.ts'

/** Seconds that a float may be off after a few additions at 100,000 s. */
const FLOAT_S = 1e-7
const SAMPLE_S = 1 / 48_000
/** Mean grey levels between two thumbnails: re-encoding at any sane quality stays under 4; a wrong range gives 10. */
const PICTURE_MAX = 6
/** A chirp found at this likeness is that track's; another band's stays under 0.5. */
const LIKENESS_MIN = 0.7
/** Containers keep both in milliseconds, rounded once or twice. */
const CUE_S = 0.002
/** Sentences of one kind; the rest are counted. */
const SHOWN = 4

/** Every frame of the source once, in order, at its time. */
export function compareFrames(source: readonly Frame[], output: readonly Frame[], tick_s: number): string[] {
  const [wanted, got] = [source.map((frame) => frame.number), output.map((frame) => frame.number)]
  const problems: string[] = []
  if (wanted.length !== got.length) problems.push(`${got.length} frames, the source shows ${wanted.length}`)
  problems.push(...compareNumbers(wanted, got))
  if (wanted.length !== got.length) return problems
  const late = output.map((frame, at) => sinceFirst(output, frame.at_s) - sinceFirst(source, source[at]?.at_s ?? 0))
  const wrong = late.flatMap((by, at) => (Math.abs(by) > tick_s + FLOAT_S ? [`frame ${at} is ${ms(by)} late`] : []))
  return [...problems, ...some(wrong)]
}

function compareNumbers(wanted: readonly (number | null)[], got: readonly (number | null)[]): string[] {
  const times = new Map<number, number>()
  for (const number of got) if (number !== null) times.set(number, (times.get(number) ?? 0) + 1)
  const source = new Set(wanted)
  const missing = wanted.flatMap((number) =>
    number !== null && !times.has(number) ? [`frame ${number} is missing`] : [],
  )
  const often = [...times].flatMap(([number, count]) => {
    const allowed = wanted.filter((other) => other === number).length
    return count > Math.max(allowed, 1) ? [`frame ${number} is shown ${count} times`] : []
  })
  const strange = [...times.keys()].flatMap((number) =>
    source.has(number) ? [] : [`frame ${number} is not in the source`],
  )
  const at = wanted.findIndex((number, index) => number !== got[index])
  const order = at >= 0 && at < got.length ? [`place ${at} shows frame ${got[at]}, the source ${wanted[at]}`] : []
  return [...some(missing), ...some(often), ...some(strange), ...order]
}

/**
 * The picture beside the barcode: garbage, a wrong range, a mirrored half. Up to `damagedMax` frames may differ: a decoder
 * hides damage with the pictures before it, and one that starts at a damaged keyframe has none.
 */
export function comparePictures(source: readonly Frame[], output: readonly Frame[], damagedMax = 0): string[] {
  const wrong = output.flatMap((frame, at) => {
    const twin = source[at]
    // A wrong frame is reported elsewhere.
    if (!twin || twin.number !== frame.number) return []
    const difference = meanDifference(frame.thumb, twin.thumb)
    return difference > PICTURE_MAX ? [`frame ${at} looks different (${difference.toFixed(1)} grey levels)`] : []
  })
  return wrong.length <= damagedMax ? [] : some(wrong)
}

/** How far each beep of a track moved, in samples of 48 kHz. */
export function beepOffsets(source: Shown, output: Shown, track: number): number[] {
  const [wanted = [], got = []] = [source.beeps[track], output.beeps[track]]
  return got.map((beep, at) => {
    return (sinceFirst(output.frames, beep.at_s) - sinceFirst(source.frames, wanted[at]?.at_s ?? 0)) / SAMPLE_S
  })
}

export function compareBeeps(source: Shown, output: Shown, samplesMax: number): string[] {
  return source.beeps.flatMap((wanted, track) => {
    const got = output.beeps[track] ?? []
    if (got.length !== wanted.length) return [`audio ${track} has ${got.length} beeps, the source ${wanted.length}`]
    const moved = beepOffsets(source, output, track).flatMap((by, at) => {
      return Math.abs(by) > samplesMax + 0.05 ? [`audio ${track}, beep ${at} is ${by.toFixed(2)} samples late`] : []
    })
    const strange = got.flatMap((beep, at) => {
      if (beep.likeness < LIKENESS_MIN)
        return [`audio ${track}, beep ${at} is not this track's (${beep.likeness.toFixed(2)})`]
      return beep.channel === wanted[at]?.channel ? [] : [`audio ${track}, beep ${at} is in channel ${beep.channel}`]
    })
    return [...some(moved), ...some(strange)]
  })
}

/** Subtitles and chapters: the same texts at the same times, to the millisecond they are kept in. */
export function compareCues(what: string, source: readonly Cue[], output: readonly Cue[]): string[] {
  if (source.length !== output.length) return [`${output.length} ${what}, the source has ${source.length}`]
  return some(
    source.flatMap((cue, at) => {
      const got = output[at] ?? cue
      const late = Math.max(Math.abs(got.start_s - cue.start_s), Math.abs(got.end_s - cue.end_s))
      if (got.text !== cue.text) return [`${what} ${at} say "${got.text}" in place of "${cue.text}"`]
      return late > CUE_S ? [`${what} ${at} are ${ms(late)} off`] : []
    }),
  )
}

const sinceFirst = (frames: readonly Frame[], at_s: number): number => at_s - (frames[0]?.at_s ?? 0)

function meanDifference(one: Uint8Array, other: Uint8Array): number {
  return one.reduce((sum, value, at) => sum + Math.abs(value - (other[at] ?? 0)), 0) / one.length
}

const ms = (seconds: number): string => `${(seconds * 1000).toFixed(3)} ms`

function some(problems: readonly string[]): string[] {
  const more = problems.length - SHOWN
  if (more <= 0) return [...problems]
  return problems
    .slice(0, SHOWN)
    .map((problem, at) => (at === SHOWN - 1 ? `${problem}, and ${more} more like it` : problem))
}

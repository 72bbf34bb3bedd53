/**
 * Where an output differs from what a player makes of its source. Pure: frames, beeps and tags in, sentences out; no
 * sentence means exact. Times are compared relative to the first frame shown, so that sound keeps its place beside it.
 */
import type { Beep } from './beeps.ts'
import type { Container, Stream } from './probe.ts'
import { filmStream, streamsOf } from './probe.ts'
import type { Frame } from './read.ts'
import type { Expected } from './source.ts'

/** Seconds that a float may be off after a few additions at 100,000 s. */
const FLOAT_S = 1e-7
const SAMPLE_S = 1 / 48_000
/** Mean grey levels between two thumbnails: re-encoding at any sane quality stays under 4; a wrong range gives 10. */
const PICTURE_MAX = 6
/** A chirp found at this likeness is that track's; another band's stays under 0.5. */
const LIKENESS_MIN = 0.7
/** Sentences of one kind; the rest are counted. */
const SHOWN = 4

export interface Shown {
  readonly frames: readonly Frame[]
  /** One list for each audio track. */
  readonly beeps: readonly (readonly Beep[])[]
}

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

/** The picture beside the barcode: garbage, a wrong range, a mirrored half. */
export function comparePictures(source: readonly Frame[], output: readonly Frame[]): string[] {
  const wrong = output.flatMap((frame, at) => {
    const twin = source[at]
    // Another frame than wanted is told of elsewhere.
    if (!twin || twin.number !== frame.number) return []
    const difference = meanDifference(frame.thumb, twin.thumb)
    return difference > PICTURE_MAX ? [`frame ${at} looks different (${difference.toFixed(1)} grey levels)`] : []
  })
  return some(wrong)
}

/** The largest move of a beep, in samples of 48 kHz; 0 where there is none to compare. */
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

export interface Box {
  readonly width: number
  readonly height: number
}

/** Sizes, aspect, turn, colour, languages, chapters and subtitles of the finished file. */
export function compareContainer(expect: Expected, output: Container, box: Box): string[] {
  const film = filmStream(output)
  if (!film) return ['no video stream']
  return [
    ...compareShape(expect, film, box),
    ...compareColor(film),
    ...compareList(
      'audio languages',
      expect.audio.map((track) => track.language),
      streamsOf(output, 'audio').map((track) => track.language),
    ),
    ...compareList(
      'audio channels',
      expect.audio.map((track) => track.channels),
      streamsOf(output, 'audio').map((track) => track.channels),
    ),
    ...compareList(
      'subtitles',
      expect.subtitles,
      streamsOf(output, 'subtitle').map((track) => track.language),
    ),
    ...compareList(
      'chapters',
      expect.chapters.map((chapter) => chapter.title),
      output.chapters.map((chapter) => chapter.title),
    ),
    ...expect.chapters.flatMap(({ start_s, title }, at) => {
      const late = (output.chapters[at]?.start_s ?? start_s) - start_s
      return Math.abs(late) > 0.002 ? [`chapter ${title} is ${ms(late)} late`] : []
    }),
    ...(streamsOf(output, 'video').length > 1 ? ['more than one video stream'] : []),
  ]
}

function compareShape(expect: Expected, film: Stream, box: Box): string[] {
  const { width, height } = film
  const upright = expect.display.height > expect.display.width ? { width: box.height, height: box.width } : box
  const scale = Math.min(1, upright.width / expect.display.width, upright.height / expect.display.height)
  const [wantedWidth, wantedHeight] = [expect.display.width * scale, expect.display.height * scale]
  const problems: string[] = []
  if (width % 2 || height % 2) problems.push(`odd size ${width}x${height}`)
  if (width > upright.width || height > upright.height)
    problems.push(`${width}x${height} is outside ${upright.width}x${upright.height}`)
  if (Math.abs(width - wantedWidth) > 2 || Math.abs(height - wantedHeight) > 2) {
    problems.push(`${width}x${height} in place of ${wantedWidth.toFixed(1)}x${wantedHeight.toFixed(1)}`)
  }
  if (film.sampleAspect !== '1:1') problems.push(`pixel aspect ${film.sampleAspect || 'not said'}`)
  if (film.rotation !== 0) problems.push(`turned by ${film.rotation}°`)
  if (film.fieldOrder !== 'progressive') problems.push(`field order ${film.fieldOrder || 'not said'}`)
  if (film.pixelFormat !== 'yuv420p') problems.push(`pixel format ${film.pixelFormat}`)
  return problems
}

/** Untagged colours are guessed by the picture's size: two rungs of one film would look different. */
function compareColor({ color }: Stream): string[] {
  const missing = Object.entries(color).flatMap(([tag, value]) => (value === '' || value === 'unknown' ? [tag] : []))
  const problems = missing.length > 0 ? [`no color ${missing.join(', ')}`] : []
  if (color.range !== '' && color.range !== 'tv') problems.push(`color range ${color.range}`)
  return /bt2020|smpte2084|arib/.test(Object.values(color).join())
    ? [...problems, 'HDR tags on an 8-bit picture']
    : problems
}

function compareList(what: string, wanted: readonly unknown[], got: readonly unknown[]): string[] {
  return wanted.join() === got.join()
    ? []
    : [`${what}: ${got.join(', ') || 'none'} in place of ${wanted.join(', ') || 'none'}`]
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

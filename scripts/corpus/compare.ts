/**
 * Where a result of Reelmesh differs from what plain ffmpeg makes of the same source. Pure: facts in, sentences out, each with the
 * note that explains it, if there is one. No sentence means: no difference that a person would see, hear or look up.
 */
import type { Track } from '../../testing/sources/measure.ts'
import type { Cue } from '../../testing/sources/read.ts'
import { compareTexts } from './texts.ts'

/** Of a track filled up with silence from the file's beginning on. Seconds count from the first picture. */
export interface Sound extends Pick<Track, 'channels' | 'layout' | 'rate' | 'levels'> {
  readonly heard_s: number
  readonly end_s: number
}

/** What people may choose a track by. */
export interface Label {
  /** `sound 2`, `subtitles 1`. */
  readonly track: string
  readonly language: string
  readonly title: string
  readonly flags: readonly string[]
}

/** Of a finished file. */
export interface Facts {
  /** When each picture is shown. */
  readonly times_s: readonly number[]
  readonly sounds: readonly Sound[]
  /** When the file begins: 0, or negative where sound comes before the first picture. */
  readonly begin_s: number
  readonly labels: readonly Label[]
  readonly texts: readonly (readonly Cue[])[]
  readonly chapters: readonly Cue[]
  /** Of the container, without those that muxers write of themselves. */
  readonly tags: Readonly<Record<string, string>>
  /** As the container says. */
  readonly duration_s: number
}

/** Subtitles and chapters as the source has them: a plain MP4 moves some. */
export type Declared = Pick<Facts, 'texts' | 'chapters'>

export type Kind = 'pictures' | 'pixels' | 'sound' | 'length' | 'subtitles' | 'chapters' | 'tags'

export interface Difference {
  readonly kind: Kind
  readonly sentence: string
  /** The note that explains it; null where none does. */
  readonly note: string | null
}

export interface Comparison {
  /** Of the same source: what it declares, what plain ffmpeg made of it, what Reelmesh made of it. */
  readonly source: Declared
  readonly plain: Facts
  readonly got: Facts
  /** Likeness of each picture with that of plain ffmpeg at its time; empty where it cannot be measured. */
  readonly ssim: readonly number[]
  readonly notes: readonly string[]
}

/** Below it people see a difference; two encodes of the same picture at CRF 6 are above. */
export const SSIM_MIN = 0.97
/** Matroska rounds to milliseconds. */
const TIME_S = 0.002
/** Two encoders fill their last frames differently, 1,024 samples each. */
const SOUND_S = 0.05
const FRAME_SAMPLES = 1_024
/** dB. A tone that went to another speaker is 3 dB and more away; AAC of noise comes within 1. */
const LEVEL_DB = 2
/** Below this a channel is silent. */
const SILENT_DB = -50
const CHAPTER_S = 0.05
const LENGTH_S = 0.1

/** What a note must speak of to explain a difference of this kind. */
const WORDS: Readonly<Record<Kind, RegExp>> = {
  pictures: /frame|picture|clock|pause|edit|cut off|missing|decode/i,
  pixels: /picture|frame|HDR|tone|shape|size|alpha|transparen|interlac|decode|colou?r|stereo|3D/i,
  sound: /audio|sound|channel|layout/i,
  length: /frame|picture|audio|sound|clock|pause|cut off|missing|seconds/i,
  subtitles: /subtitle|caption|event/i,
  chapters: /chapter|edition/i,
  tags: /tag|metadata|title|language|flag|date|timecode/i,
}

/** No excuse for a picture that plain ffmpeg shows. */
const NOT_DECODED = /no decoder|cannot be decoded/i

/** Every difference, in the order of `Kind`. */
export function compare({ source, plain, got, ssim, notes }: Comparison): Difference[] {
  const end_s = endOf(plain)
  const found: [Kind, string[]][] = [
    ['pictures', comparePictures(plain.times_s, got.times_s)],
    ['pixels', comparePixels(ssim)],
    ['sound', compareSounds(plain.sounds, got.sounds)],
    ['length', compareLength(got)],
    ['subtitles', source.texts.length > 0 ? compareTexts(source.texts, got.texts, end_s) : []],
    ['chapters', compareChapters(source.chapters, got.chapters, end_s)],
    ['tags', [...compareTags(plain.tags, got.tags), ...compareLabels(plain.labels, got.labels)]],
  ]
  return found.flatMap(([kind, sentences]) =>
    sentences.map((sentence) => ({ kind, sentence, note: notes.find((note) => explains(note, kind)) ?? null })),
  )
}

const explains = (note: string, kind: Kind): boolean =>
  WORDS[kind].test(note) && !(kind === 'pictures' && NOT_DECODED.test(note))

/** Each picture of plain ffmpeg has one at its time, and no other picture is there. */
function comparePictures(wanted: readonly number[], got: readonly number[]): string[] {
  const missing = without(wanted, got)
  const strange = without(got, wanted)
  const problems = []
  if (missing[0] !== undefined) {
    problems.push(`${missing.length} of ${wanted.length} pictures are missing, the first at ${seconds(missing[0])}`)
  }
  if (strange[0] !== undefined) {
    problems.push(`${strange.length} pictures stand where the source has none, the first at ${seconds(strange[0])}`)
  }
  return problems
}

/** Times of `these` that have no twin among `those`; each twin is taken once. */
function without(these: readonly number[], those: readonly number[]): number[] {
  const alone: number[] = []
  let at = 0
  for (const time of these) {
    while ((those[at] ?? Number.POSITIVE_INFINITY) < time - TIME_S) at++
    if (Math.abs((those[at] ?? Number.POSITIVE_INFINITY) - time) <= TIME_S) at++
    else alone.push(time)
  }
  return alone
}

function comparePixels(ssim: readonly number[]): string[] {
  const unlike = ssim.filter((value) => value < SSIM_MIN)
  if (unlike.length === 0) return []
  const first = ssim.findIndex((value) => value < SSIM_MIN)
  return [
    `${unlike.length} of ${ssim.length} pictures look different, picture ${first} first: SSIM down to ${Math.min(...unlike).toFixed(3)}`,
  ]
}

function compareSounds(wanted: readonly Sound[], got: readonly Sound[]): string[] {
  if (got.length < wanted.length) return [`${got.length} sound tracks in place of ${wanted.length}`]
  return wanted.flatMap((sound, at) => {
    const own = got[at]
    return own ? compareSound(sound, own).map((problem) => `sound ${at + 1}: ${problem}`) : []
  })
}

function compareSound(wanted: Sound, got: Sound): string[] {
  const problems = []
  if (got.channels !== wanted.channels) return [`${got.channels} channels in place of ${wanted.channels}`]
  if (wanted.layout !== '' && got.layout !== wanted.layout)
    problems.push(`layout ${got.layout || 'unknown'} in place of ${wanted.layout}`)
  const tolerance_s = Math.max(SOUND_S, (2 * FRAME_SAMPLES) / wanted.rate)
  for (const [what, later_s] of [
    ['begins', got.heard_s - wanted.heard_s],
    ['ends', got.end_s - wanted.end_s],
  ] as const) {
    if (Math.abs(later_s) > tolerance_s)
      problems.push(`${what} ${difference(later_s)} too ${later_s < 0 ? 'early' : 'late'}`)
  }
  for (const [channel, level] of wanted.levels.entries()) {
    const own = Math.max(SILENT_DB, got.levels[channel] ?? SILENT_DB)
    // An encoder leaves only the bass of a low-frequency channel.
    if (channel !== bassOf(got.layout) && Math.abs(own - Math.max(SILENT_DB, level)) > LEVEL_DB) {
      problems.push(`channel ${channel + 1} at ${own.toFixed(1)} dB in place of ${level.toFixed(1)} dB`)
    }
  }
  return problems
}

/** Index of the low-frequency channel of a layout; null where it has none. */
const bassOf = (layout: string): number | null => (/\.1/.test(layout) ? (layout === '2.1' ? 2 : 3) : null)

/** A file is as long as its pictures and its sound: a chapter or a subtitle behind their end must not lengthen it. */
function compareLength(got: Facts): string[] {
  const longer_s = got.duration_s - (endOf(got) - got.begin_s)
  return Math.abs(longer_s) > LENGTH_S
    ? [`the file says ${difference(longer_s)} ${longer_s < 0 ? 'less' : 'more'} than its pictures and sound last`]
    : []
}

/** When the last picture or sound ends, after the first picture. A last picture is taken to last as long as the one before. */
function endOf({ times_s, sounds }: Facts): number {
  const last_s = times_s.at(-1) ?? 0
  const picture_s = last_s + (times_s.length > 1 ? last_s - (times_s.at(-2) ?? 0) : 0)
  return Math.max(picture_s, ...sounds.map((sound) => sound.end_s))
}

/** Those with a title, cut to the film: an MP4 fills holes with untitled ones. */
function compareChapters(source: readonly Cue[], own: readonly Cue[], end_s: number): string[] {
  const titled = (chapters: readonly Cue[]): Cue[] =>
    chapters
      .map(({ start_s, end_s: to_s, text }) => ({ start_s: Math.max(0, start_s), end_s: Math.min(to_s, end_s), text }))
      .filter(({ start_s, end_s: to_s, text }) => text !== '' && to_s > start_s + CHAPTER_S)
  const [wanted, got] = [titled(source), titled(own)]
  if (wanted.length !== got.length) return [`${got.length} chapters in place of ${wanted.length}`]
  return wanted.flatMap(({ start_s, end_s: to_s, text }, at) => {
    const chapter = got[at]
    if (!chapter) return []
    const [is, was] = [chapter, { start_s, end_s: to_s, text }].map(span)
    const isRight =
      chapter.text === text &&
      Math.abs(chapter.start_s - start_s) <= CHAPTER_S &&
      Math.abs(chapter.end_s - to_s) <= CHAPTER_S
    return isRight ? [] : [`chapter ${is} in place of ${was}`]
  })
}

const span = ({ start_s, end_s, text }: Cue): string => `"${text}" (${start_s.toFixed(2)} to ${end_s.toFixed(2)} s)`

function compareTags(wanted: Facts['tags'], got: Facts['tags']): string[] {
  return Object.entries(wanted).flatMap(([name, value]) =>
    got[name] === value ? [] : [`tag ${name} is ${quoted(got[name])} in place of ${quoted(value)}`],
  )
}

function compareLabels(wanted: readonly Label[], got: readonly Label[]): string[] {
  return wanted.flatMap((label) => {
    const own = got.find(({ track }) => track === label.track)
    if (!own) return []
    const problems = []
    if (languageOf(own.language) !== languageOf(label.language))
      problems.push(`language ${own.language} in place of ${label.language}`)
    if (own.title !== label.title) problems.push(`title ${quoted(own.title)} in place of ${quoted(label.title)}`)
    const lost = label.flags.filter((flag) => !own.flags.includes(flag))
    if (lost.length > 0) problems.push(`flags ${lost.join(', ')} are gone`)
    return problems.map((problem) => `${label.track}: ${problem}`)
  })
}

/** Two and three letters of either part of ISO 639-2, and their dialects, as one: `ger`, `deu` and `de-AT` are `de`. */
function languageOf(tag: string): string {
  try {
    return new Intl.Locale(tag).language ?? tag
  } catch {
    return tag
  }
}

const quoted = (text: string | undefined): string => (text ? `"${text.slice(0, 60)}"` : 'missing')
const seconds = (value: number): string => `${value.toFixed(3)} s`
const difference = (value: number): string => seconds(Math.abs(value))

/**
 * The values that may stand in a command line or a filter graph. ffmpeg reads both as text with a grammar: a number that is something else, or a
 * name with a comma in it, would be further options and filters, and some filters open files. So every value goes through one of these, also
 * where it has been checked before: a mistake elsewhere then ends in an error, not in a command.
 */
import assert from 'node:assert/strict'
import type { Rational } from '../../protocol/plan.ts'

/** A broken assertion ends the attempt as `unexpected`. */
function must(holds: boolean, what: string): void {
  assert(holds, `a value for ffmpeg is ${what}: the plan or the task does not fit`)
}

/** An integer. Anything else fails an assertion, as with all functions of this file. */
export function integer(value: number): string {
  must(Number.isSafeInteger(value), 'no integer')
  return String(value)
}

/** A finite number, as JavaScript writes it. */
export function decimal(value: number): string {
  must(typeof value === 'number' && Number.isFinite(value), 'no number')
  return String(value)
}

/** Seconds as a decimal that ffmpeg reads back to the microsecond, its own unit. */
export function seconds(value: number): string {
  must(typeof value === 'number' && Number.isFinite(value), 'no time')
  return value.toFixed(6)
}

/** A fraction of two integers, such as `1/25`. `by`: what stands between them. */
export const fraction = (of: Rational, by: '/' | ':'): string => `${integer(of[0])}${by}${integer(of[1])}`

/** One of these words. */
export function known<Word extends string | number>(word: Word, words: Iterable<Word>): Word {
  must([...words].includes(word), 'no known word')
  return word
}

/** A word of letters, digits, `_`, `.` and `-`, or none. */
export function plainWord(word: string): string {
  must(typeof word === 'string' && /^[\w.-]{0,64}$/.test(word), 'no word')
  return word
}

/** ffmpeg's name of a channel layout, such as `5.1(side)` or `4 channels (FL+FR+BL+BR)`: nothing that separates filters or their options. */
export function layoutName(layout: string): string {
  must(typeof layout === 'string' && /^[\w.()+ -]{0,200}$/.test(layout), 'no channel layout')
  return layout
}

/** Text of a person for an argument of its own. */
export function personText(text: string): string {
  must(typeof text === 'string' && !text.includes('\0'), 'no text')
  return text
}

/** The time of a frame, such as `01:02:03:04`, with `;` where frames are dropped. */
export function timecodeText(timecode: string): string {
  must(typeof timecode === 'string' && /^[\d:;.]{1,20}$/.test(timecode), 'no timecode')
  return timecode
}

/** Ticks per second of the movie header of the MP4 files that are encoded. Builds differ in their default, and what is joined without ffmpeg has one. */
export const MOVIE_TIMESCALE = 1000

/** Compares the text tracks of a merged file with what was to be muxed: a build that writes other times is noticed. Pure. */
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Track } from '../mp4.ts'
import type { FilmText } from './text-extra.ts'

/** Something that is shown from `start` to `end`, ms. */
interface Shown {
  readonly start: number
  readonly end: number
}

/** Ticks of the tracks are finer than ms; one of rounding is allowed. */
const SLACK_MS = 1

/** Throws `verify_failed` where subtitle tracks or chapters are others than those of `text`. */
export function checkText(tracks: readonly Track[], text: FilmText): void {
  const subtitles = tracks.filter(({ entry }) => entry === 'tx3g')
  if (subtitles.length !== text.samples.length)
    throw broken(`${subtitles.length} subtitle tracks, expected ${text.samples.length}`)
  for (const [at, samples] of text.samples.entries()) {
    const expected = samples.filter(({ text }) => text !== '')
    // An empty sample is a length of 0 in two bytes: it ends the one before it.
    compare(
      `subtitle track ${at}`,
      shownIn(subtitles[at]!).filter(({ bytes }) => bytes > 2),
      expected,
    )
  }
  const chapters = tracks.filter(({ entry }) => entry === 'text')
  if (chapters.length !== Math.min(1, text.chapters.length))
    throw broken(`${chapters.length} tracks of chapters, expected ${Math.min(1, text.chapters.length)}`)
  compare('the chapters', chapters.flatMap(shownIn), text.chapters)
}

/** The samples of a track that last at all. */
function shownIn({ times, sizes, duration, timescale }: Track): (Shown & { bytes: number })[] {
  const last = (times[0] ?? 0) + duration
  const ms = (ticks: number) => (ticks * 1000) / timescale
  return [...times]
    .map((start, at) => ({ start: ms(start), end: ms(times[at + 1] ?? last), bytes: sizes[at]! }))
    .filter(({ start, end }) => end > start)
}

function compare(what: string, got: readonly Shown[], expected: readonly Shown[]): void {
  if (got.length !== expected.length) throw broken(`${what}: ${got.length} entries, expected ${expected.length}`)
  const isOff = (one: number, other: number) => Math.abs(one - other) > SLACK_MS
  const wrong = expected.findIndex(({ start, end }, at) => isOff(got[at]!.start, start) || isOff(got[at]!.end, end))
  if (wrong >= 0) throw broken(`${what}: entry ${wrong} has other times than the source`)
}

const broken = (message: string) => new AttemptFailed('verify_failed', message)

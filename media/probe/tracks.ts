/** What audio and subtitle streams have in common: how many are taken, their languages and titles. Pure. */
import { type Json, object, text } from './json.ts'

/** Tracks taken of each kind; MP4 itself has no bound, a hostile file might. */
const TRACKS_MAX = 32

/** The first streams of a type. */
export function tracks(streams: readonly Json[], type: string): Json[] {
  return streams.filter((stream) => text(stream['codec_type']) === type).slice(0, TRACKS_MAX)
}

/** The language of a track: three letters, as MP4 needs; '' for `und` and others. */
export function language(stream: Json): string {
  const tag = text(object(stream['tags'])['language']).toLowerCase()
  return /^[a-z]{3}$/.test(tag) && tag !== 'und' ? tag : ''
}

/** The title of a track, on one line. */
export const title = (stream: Json): string =>
  text(object(stream['tags'])['title'])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not get into a tag
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, 200)

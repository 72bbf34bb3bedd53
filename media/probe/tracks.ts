/** What the facts of audio and subtitle streams have in common: how many are taken, their titles and flags. Pure. */
import { FLAGS, type Flag } from '../../protocol/plan.ts'
import { type Json, number, object, tag } from './json.ts'
import { lineOf } from './text.ts'

/** Number of tracks taken of each kind; MP4 itself has no bound, a hostile file might. */
export const TRACKS_MAX = 32

/** Names that muxers give a track by default, and those of their makers. */
const GENERIC_HANDLER = /handle|media|produced by|^\W*$|^(?:sound|video|audio|mono|stereo|surround|subtitle|text)s?$/i

/** The name of the track in its handler, where it is no default: MP4 files have titles there. */
export function handlerTitle(stream: Json): string {
  const name = lineOf(tag(stream, 'handler_name'), TITLE_CHARS_MAX)
  return GENERIC_HANDLER.test(name) ? '' : name
}

/** Characters of a title. */
export const TITLE_CHARS_MAX = 200

/** The title of a track, on one line. */
export const title = (stream: Json): string => lineOf(tag(stream, 'title'), TITLE_CHARS_MAX) || handlerTitle(stream)

/** The flags of a track that a result can hold. */
export const flagsOf = (stream: Json): Flag[] =>
  FLAGS.filter((flag) => number(object(stream['disposition'])[flag]) === 1)

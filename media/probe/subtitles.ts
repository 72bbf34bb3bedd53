/** The subtitle streams of a source: which come along, and their facts. Pure. */
import type { SubtitleFacts } from '../../protocol/plan.ts'
import { type Json, number, object, text } from './json.ts'
import { language, title, tracks } from './tracks.ts'

const TEXT_SUBTITLES = new Set([
  'subrip',
  'srt',
  'ass',
  'ssa',
  'mov_text',
  'webvtt',
  'text',
  'subviewer',
  'microdvd',
  'sami',
])

/** The subtitle streams that are text. */
export const subtitlesOf = (streams: readonly Json[]): Json[] => tracks(streams, 'subtitle').filter(isText)

/** Whether a subtitle stream is text, which MP4 can hold. */
export const isText = (stream: Json): boolean => TEXT_SUBTITLES.has(text(stream['codec_name']))

/** The facts of a text subtitle. */
export function subtitleFacts(stream: Json): SubtitleFacts {
  const disposition = object(stream['disposition'])
  return {
    stream: number(stream['index']),
    codec: text(stream['codec_name']),
    language: language(stream),
    title: title(stream),
    default: number(disposition['default']) === 1,
    forced: number(disposition['forced']) === 1,
  }
}

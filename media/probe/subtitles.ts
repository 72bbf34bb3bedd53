/** The subtitle streams of a source: which come along, and their facts. Pure. */
import type { SubtitleFacts } from '../../protocol/plan.ts'
import { type Json, number, text } from './json.ts'
import { languageOf } from './language.ts'
import { flagsOf, title } from './tracks.ts'

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

/** Whether a subtitle stream is text, which MP4 can hold. */
export const isText = (stream: Json): boolean => TEXT_SUBTITLES.has(text(stream['codec_name']))

/** The facts of a text subtitle. */
export function subtitleFacts(stream: Json): SubtitleFacts {
  return {
    stream: number(stream['index']),
    codec: text(stream['codec_name']),
    language: languageOf(stream).code,
    title: title(stream),
    flags: flagsOf(stream),
  }
}

/** The subtitle streams of a source: which may come along, and their facts. Pure. */
import type { SubtitleFacts } from '../../protocol/plan.ts'
import { type Json, number, text } from './json.ts'
import { languageOf } from './language.ts'
import { flagsOf, title } from './tracks.ts'

const PICTURES = new Set(['dvd_subtitle', 'dvb_subtitle', 'hdmv_pgs_subtitle', 'xsub'])

/** Whether a subtitle stream is pictures. Whether any other is text, which MP4 can hold, is tried when the source is indexed. */
export const isPictures = (stream: Json): boolean => PICTURES.has(text(stream['codec_name']))

/** The facts of a subtitle that may be text. */
export function subtitleFacts(stream: Json): SubtitleFacts {
  return {
    stream: number(stream['index']),
    codec: text(stream['codec_name']),
    language: languageOf(stream).code,
    title: title(stream),
    flags: flagsOf(stream),
  }
}

/** The subtitle streams of a source and its attached files: which may come along, and their facts. Pure. */
import type { AttachmentFacts, SubtitleFacts } from '../../protocol/plan.ts'
import { type Json, number, tag, text } from './json.ts'
import { languageOf } from './language.ts'
import { flagsOf, title } from './tracks.ts'

const PICTURES = new Set(['dvd_subtitle', 'dvb_subtitle', 'hdmv_pgs_subtitle', 'xsub'])

/** Whether a subtitle stream is pictures. Whether any other is text, which MP4 can hold, is tried when the source is indexed. */
export const isPictures = (stream: Json): boolean => PICTURES.has(text(stream['codec_name']))

/** Whether a subtitle stream is pictures that Matroska holds. */
export const isHeldBitmap = (stream: Json): boolean => isPictures(stream) && text(stream['codec_name']) !== 'xsub'

/** Whether a subtitle stream is text with places and movements of its own, which only Matroska holds. */
export const isStyled = (stream: Json): boolean => /^(?:ass|ssa)$/.test(text(stream['codec_name']))

/** Whether a stream is an attached file with a name and a type, without which nobody could use it. */
export const isNamedFile = (stream: Json): boolean =>
  text(stream['codec_type']) === 'attachment' && tag(stream, 'filename') !== '' && tag(stream, 'mimetype') !== ''

/** The facts of an attached file. */
export const attachmentFacts = (stream: Json): AttachmentFacts => ({
  name: tag(stream, 'filename'),
  type: tag(stream, 'mimetype'),
})

/** The facts of a subtitle. */
export function subtitleFacts(stream: Json): SubtitleFacts {
  return {
    stream: number(stream['index']),
    codec: text(stream['codec_name']),
    language: languageOf(stream).code,
    title: title(stream),
    flags: flagsOf(stream),
  }
}

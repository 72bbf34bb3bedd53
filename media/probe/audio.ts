/** The audio streams of a source: which come along, and their facts. Pure. */
import type { AudioFacts } from '../../protocol/plan.ts'
import { type Json, number, object, text } from './json.ts'
import { language, title, tracks } from './tracks.ts'

/** The audio streams that a decoder may read. */
export const audioOf = (streams: readonly Json[]): Json[] =>
  tracks(streams, 'audio').filter((stream) => number(stream['channels']) > 0 && text(stream['codec_name']) !== '')

/** The facts of an audio stream. */
export function audioFacts(stream: Json): AudioFacts {
  return {
    stream: number(stream['index']),
    codec: text(stream['codec_name']),
    channels: number(stream['channels']),
    layout: text(stream['channel_layout']),
    sample_rate: number(stream['sample_rate']),
    language: language(stream),
    title: title(stream),
    default: number(object(stream['disposition'])['default']) === 1,
  }
}

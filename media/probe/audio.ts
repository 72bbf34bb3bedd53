/** The audio streams of a source: which come along, and their facts. Pure. */
import type { AudioFacts } from '../../protocol/plan.ts'
import { type Json, number, text } from './json.ts'
import { languageOf } from './language.ts'
import { flagsOf, title } from './tracks.ts'

/** Whether ffmpeg knows the codec of an audio stream. */
export const isKnownAudio = (stream: Json): boolean =>
  number(stream['channels']) > 0 && text(stream['codec_name']) !== ''

/** The facts of an audio stream. */
export function audioFacts(stream: Json): AudioFacts {
  return {
    stream: number(stream['index']),
    codec: text(stream['codec_name']),
    channels: number(stream['channels']),
    layout: text(stream['channel_layout']),
    sample_rate: number(stream['sample_rate']),
    language: languageOf(stream).code,
    title: title(stream),
    flags: flagsOf(stream),
  }
}

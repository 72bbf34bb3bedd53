/**
 * The audio streams of a source: their facts, as the container describes them. Pure. Whether one can be decoded is not decided here: builds
 * name codecs that they cannot decode, and guess at unknown ones.
 */
import type { AudioFacts } from '../../protocol/plan.ts'
import { type Json, number, object, text } from './json.ts'
import { languageOf } from './language.ts'
import { flagsOf, title } from './tracks.ts'

/**
 * The streams of IAMF sounds in MP4, one sound of several streams. From ffmpeg 7 on each is a track, and all but the first of a sound are
 * `dependent`; for older builds the whole is one unknown track. `format`: ffmpeg's name of the container.
 */
export function iamfStreams(streams: readonly Json[], format: string): ReadonlySet<Json> {
  const audio = streams.filter((stream) => text(stream['codec_type']) === 'audio')
  if (!format.split(',').includes('mp4')) return new Set()
  const isDependent = (stream: Json | undefined) => number(object(stream?.['disposition'])['dependent']) === 1
  return new Set(
    audio.filter(
      (stream, at) => isDependent(stream) || isDependent(audio[at + 1]) || text(stream['codec_tag_string']) === 'iamf',
    ),
  )
}

/** The facts of an audio stream. */
export function audioFacts(stream: Json): AudioFacts {
  return {
    stream: number(stream['index']),
    codec: text(stream['codec_name']),
    channels: number(stream['channels']),
    layout: text(stream['channel_layout']),
    source_channels: number(stream['channels']),
    extra: 'copied',
    relabelled: false,
    sample_rate: number(stream['sample_rate']),
    language: languageOf(stream).code,
    title: title(stream),
    flags: flagsOf(stream),
  }
}

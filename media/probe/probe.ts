/**
 * The facts of a file, from ffprobe's JSON: the first real video stream, audio, subtitles, chapters. Pure.
 *
 * Files are hostile input: values are checked, numbers bounded, and unknown values replaced by harmless defaults.
 */

import type { SourceProbe } from '../../protocol/media.ts'
import { parseRational } from '../rational.ts'
import { audioFacts, audioOf } from './audio.ts'
import { leftOut, pictureFates } from './fates.ts'
import { type Json, list, number, object, parseObject, text } from './json.ts'
import { subtitleFacts, subtitlesOf } from './subtitles.ts'
import { isPicture, videoFacts } from './video.ts'

/** The facts of a source, or why it is refused. */
export type ProbeOutcome =
  | { readonly ok: true; readonly probe: SourceProbe; readonly rates: Rates }
  /** Why it is refused: the end of a sentence that begins with the file's name. */
  | { readonly ok: false; readonly why: string }

/** Frame rates as the container and the decoder guess them: candidates only, the index decides. */
export interface Rates {
  readonly average: string
  readonly real: string
}

/** Reads ffprobe's JSON. A file that cannot be transcoded is `ok: false`; nothing is thrown. */
export function parseProbe(json: string): ProbeOutcome {
  const root = parseObject(json)
  if (!root) return { ok: false, why: 'is not a video file that ffmpeg can read' }
  const streams = list(root['streams'])
  const video = streams.find((stream) => text(stream['codec_type']) === 'video' && !isPicture(stream))
  if (!video) return { ok: false, why: withoutVideo(streams) }
  const facts = videoFacts(video)
  const time_base = parseRational(text(video['time_base']))
  if (!facts || !time_base)
    return { ok: false, why: 'has a video stream that ffmpeg cannot identify (no size or no known codec)' }
  const format = object(root['format'])
  const audio = audioOf(streams)
  return {
    ok: true,
    rates: { average: text(video['avg_frame_rate']), real: text(video['r_frame_rate']) },
    probe: {
      format: text(format['format_name']),
      duration_s: Math.max(0, number(format['duration'])),
      time_base,
      video: facts,
      audio: audio.map(audioFacts),
      subtitles: subtitlesOf(streams).map(subtitleFacts),
      chapters: list(root['chapters']).length,
      fates: [...leftOut(streams, audio), ...pictureFates(facts)],
    },
  }
}

function withoutVideo(streams: readonly Json[]): string {
  if (streams.some((stream) => text(stream['codec_type']) === 'audio')) return 'has audio but no video stream'
  return streams.some(isPicture) ? 'is a still picture, not a video' : 'has no video stream'
}

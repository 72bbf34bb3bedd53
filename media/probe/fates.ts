/** What becomes of the parts of a source, as far as its streams show it. Pure. */
import type { Fate, VideoFacts } from '../../protocol/plan.ts'
import { type Json, number, text } from './json.ts'
import { isText } from './subtitles.ts'
import { language } from './tracks.ts'

/** The streams that no result holds. `audio`: the audio streams that come along. */
export function leftOut(streams: readonly Json[], audio: readonly Json[]): Fate[] {
  const bitmaps = streams.filter((stream) => text(stream['codec_type']) === 'subtitle' && !isText(stream))
  const undecodable = streams.filter((stream) => text(stream['codec_type']) === 'audio' && !audio.includes(stream))
  const fate = (stream: Json, note: string): Fate => ({ part: partOf(stream), fate: 'left_out', note })
  return [
    ...bitmaps.map((stream) =>
      fate(
        stream,
        `Subtitle track ${described(stream)} is left out: it is pictures or broadcast data, and MP4 holds text subtitles only.`,
      ),
    ),
    ...undecodable.map((stream) =>
      fate(stream, `Audio track ${described(stream)} is left out: its codec is unknown to ffmpeg.`),
    ),
  ]
}

const partOf = (stream: Json): string => `stream ${described(stream)}`

function described(stream: Json): string {
  const tag = language(stream)
  return `${number(stream['index'])} (${text(stream['codec_name']) || 'unknown'}${tag && `, ${tag}`})`
}

/** What an 8-bit result cannot show of the picture. */
export function pictureFates(video: VideoFacts): Fate[] {
  if (!video.hdr) return []
  const note = 'The picture is HDR; these 8-bit renditions are tone-mapped to BT.709 (SDR).'
  return [{ part: 'HDR', fate: 'converted', note }]
}

/**
 * The facts of a file, from ffprobe's JSON: the first real video stream, audio, subtitles, chapters. Pure.
 *
 * Files are hostile input: values are checked, numbers bounded, and unknown values replaced by harmless defaults.
 */

import { PICTURE_SIDE_MAX } from '../protocol/limits.ts'
import type { SourceProbe } from '../protocol/media.ts'
import type { AudioFacts, Fate, SubtitleFacts, VideoFacts } from '../protocol/plan.ts'
import { depthOf } from './pixel-format.ts'
import { parseRational } from './rational.ts'

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

interface Json {
  readonly [name: string]: Json | string | number | boolean | null | undefined
}

/** Tracks taken of each kind; MP4 itself has no bound, a hostile file might. */
const TRACKS_MAX = 32
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
const HDR_TRANSFERS = new Set(['smpte2084', 'arib-std-b67'])

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
  const audio = tracks(streams, 'audio').filter(
    (stream) => number(stream['channels']) > 0 && text(stream['codec_name']) !== '',
  )
  const subtitles = tracks(streams, 'subtitle').filter(isText)
  return {
    ok: true,
    rates: { average: text(video['avg_frame_rate']), real: text(video['r_frame_rate']) },
    probe: {
      format: text(format['format_name']),
      duration_s: Math.max(0, number(format['duration'])),
      time_base,
      video: facts,
      audio: audio.map(audioFacts),
      subtitles: subtitles.map(subtitleFacts),
      chapters: list(root['chapters']).length,
      fates: [...leftOut(streams, audio), ...pictureFates(facts)],
    },
  }
}

function withoutVideo(streams: readonly Json[]): string {
  if (streams.some((stream) => text(stream['codec_type']) === 'audio')) return 'has audio but no video stream'
  return streams.some(isPicture) ? 'is a still picture, not a video' : 'has no video stream'
}

const isPicture = (stream: Json): boolean => {
  const disposition = object(stream['disposition'])
  return number(disposition['attached_pic']) === 1 || number(disposition['timed_thumbnails']) === 1
}
const isText = (stream: Json): boolean => TEXT_SUBTITLES.has(text(stream['codec_name']))

function tracks(streams: readonly Json[], type: string): Json[] {
  return streams.filter((stream) => text(stream['codec_type']) === type).slice(0, TRACKS_MAX)
}

function videoFacts(stream: Json): VideoFacts | null {
  const [width, height] = [number(stream['width']), number(stream['height'])]
  const codec = text(stream['codec_name'])
  if (
    !(width > 0 && height > 0 && width <= PICTURE_SIDE_MAX && height <= PICTURE_SIDE_MAX) ||
    codec === '' ||
    codec === 'unknown'
  )
    return null
  const pixel_format = text(stream['pix_fmt'])
  const fieldOrder = text(stream['field_order'])
  const transfer = name(stream['color_transfer'])
  return {
    stream: number(stream['index']),
    codec,
    profile: text(stream['profile']).slice(0, 80),
    pixel_format,
    bit_depth: depthOf(pixel_format),
    width,
    height,
    sample_aspect: aspect(stream),
    ...orientation(stream),
    interlaced: ['tt', 'bb', 'tb', 'bt'].includes(fieldOrder),
    top_field_first: fieldOrder !== 'bb' && fieldOrder !== 'bt',
    color: {
      range: name(stream['color_range']),
      primaries: name(stream['color_primaries']),
      transfer,
      space: name(stream['color_space']),
    },
    hdr: HDR_TRANSFERS.has(transfer),
  }
}

/** The sample aspect ratio; beyond 10:1 or 1:10 the header is broken, and pixels count as square. */
function aspect(stream: Json): readonly [number, number] {
  const ratio = parseRational(text(stream['sample_aspect_ratio']))
  return ratio && ratio[0] <= ratio[1] * 10 && ratio[1] <= ratio[0] * 10 ? ratio : [1, 1]
}

/** The display matrix: ffprobe prints it row by row in 16.16 fixed point, and its angle counter-clockwise. */
function orientation(stream: Json): Pick<VideoFacts, 'rotation' | 'mirrored'> {
  const side = list(stream['side_data_list']).find((entry) => entry['displaymatrix'] !== undefined)
  if (!side) return { rotation: 0, mirrored: false }
  const rows = text(side['displaymatrix'])
    .split('\n')
    .filter((row) => row.includes(':'))
  const cells = rows.map((row) =>
    row
      .slice(row.indexOf(':') + 1)
      .trim()
      .split(/\s+/)
      .map(Number),
  )
  const [a = 1, b = 0] = cells[0] ?? []
  const [c = 0, d = 1] = cells[1] ?? []
  const clockwise = (((Math.round(-number(side['rotation']) / 90) * 90) % 360) + 360) % 360
  const rotation = clockwise === 90 || clockwise === 180 || clockwise === 270 ? clockwise : 0
  return { rotation, mirrored: a * d - b * c < 0 }
}

function audioFacts(stream: Json): AudioFacts {
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

function subtitleFacts(stream: Json): SubtitleFacts {
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

/** The language of a track: three letters, as MP4 needs; '' for `und` and others. */
function language(stream: Json): string {
  const tag = text(object(stream['tags'])['language']).toLowerCase()
  return /^[a-z]{3}$/.test(tag) && tag !== 'und' ? tag : ''
}

const title = (stream: Json): string =>
  text(object(stream['tags'])['title'])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not get into a tag
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, 200)

function leftOut(streams: readonly Json[], audio: readonly Json[]): Fate[] {
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

function pictureFates(video: VideoFacts): Fate[] {
  if (!video.hdr) return []
  const note = 'The picture is HDR; these 8-bit renditions are tone-mapped to BT.709 (SDR).'
  return [{ part: 'HDR', fate: 'converted', note }]
}

function parseObject(json: string): Json | null {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
  } catch {
    return null
  }
}

const object = (value: Json[string]): Json => (typeof value === 'object' && value !== null ? value : {})
const list = (value: Json[string]): Json[] =>
  Array.isArray(value) ? (value as unknown[]).map((entry) => object(entry as Json)) : []
const text = (value: Json[string]): string => (typeof value === 'string' ? value : '')
const name = (value: Json[string]): string => (/^[a-z0-9-]{1,32}$/.test(text(value)) ? text(value) : 'unknown')
function number(value: Json[string]): number {
  const read = typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : 0
  return Number.isFinite(read) ? read : 0
}

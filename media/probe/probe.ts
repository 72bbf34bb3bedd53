/**
 * The facts of a file, from ffprobe's JSON: the picture, audio, subtitles, chapters, tags, and what becomes of each part. Pure.
 *
 * Files are hostile input: values are checked, numbers bounded, and unknown values replaced by harmless defaults.
 */

import type { SourceProbe } from '../../protocol/media.ts'
import type { Metadata } from '../../protocol/plan.ts'
import { parseRational } from '../rational.ts'
import { audioFacts } from './audio.ts'
import { chapterFacts } from './chapters.ts'
import { streamFates } from './fates.ts'
import { type Json, list, number, object, parseObject, tag, text } from './json.ts'
import { languageOf } from './language.ts'
import { type PacketRow, type ProbedSound, packetRows, probedSounds } from './packets.ts'
import { type Selection, selectStreams } from './selection.ts'
import { attachmentFacts, isStyled, subtitleFacts } from './subtitles.ts'
import { type FileTags, fileTags } from './tags.ts'
import { flagsOf, title } from './tracks.ts'
import { furtherPicture, isPicture } from './video.ts'

/** The facts of a source, or why it is refused. */
export type ProbeOutcome =
  | {
      readonly ok: true
      readonly probe: SourceProbe
      readonly rates: Rates
      /** The packets of the picture, where they were read with the streams. */
      readonly packets: readonly PacketRow[]
      readonly sounds: readonly ProbedSound[]
    }
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
  const selection = selectStreams(root)
  if (!selection) return { ok: false, why: withoutVideo(streams) }
  const { picture, facts, audio, subtitles } = selection
  const time_base = parseRational(text(picture['time_base']))
  if (!time_base) return { ok: false, why: UNIDENTIFIED }
  const format = object(root['format'])
  const file = fileTags(format, picture)
  return {
    ok: true,
    packets: packetRows(root, facts.stream),
    sounds: probedSounds(root, audio),
    rates: { average: text(picture['avg_frame_rate']), real: text(picture['r_frame_rate']) },
    probe: {
      format: text(format['format_name']),
      duration_s: Math.max(0, number(format['duration'])),
      time_base,
      video: facts,
      audio: audio.map(audioFacts).map((facts) => (file.isOgg ? { ...facts, title: '' } : facts)),
      subtitles: subtitles.map(subtitleFacts),
      chapters: chapterFacts(list(root['chapters'])),
      metadata: { tags: file.tags, ...trackMetadata(root, selection, file) },
      fates: [...streamFates(root, selection, file), ...file.fates],
      asMatroska: matroskaProbe(root, file),
    },
  }
}

/** What Matroska results hold beside those in MP4, and the fates of all parts there. */
function matroskaProbe(root: Json, file: FileTags): SourceProbe['asMatroska'] {
  const selection = selectStreams(root, 'mkv')!
  const { pictures, subtitles, bitmaps, attachments } = selection
  const styled = subtitles.filter(isStyled)
  return {
    fates: [...streamFates(root, selection, file), ...file.fates].map(({ note, ...fate }) => ({
      ...fate,
      note: note && ofMatroska(note),
    })),
    kept: {
      pictures: pictures.map(furtherPicture),
      subtitles: [...styled, ...bitmaps].map(subtitleFacts),
      attachments: attachments.map(attachmentFacts),
    },
  }
}

/** A note of what MP4 cannot say, which these results do not say either. */
const ofMatroska = (note: string): string =>
  note
    .replace('MP4 has no place for', 'results have no place for')
    .replace('ffmpeg writes three letters into MP4', 'results name languages by three letters')
    .replace('it is none that MP4 can name', 'it is none that a result can name')

function trackMetadata(root: Json, { picture, covers }: Selection, { isOgg }: FileTags): Omit<Metadata, 'tags'> {
  const saying = [picture, ...list(root['streams']), object(root['format'])]
  return {
    picture: {
      language: languageOf(picture).code,
      title: isOgg ? '' : title(picture),
      flags: flagsOf(picture),
      timecode: saying.map(timecodeOf).find((timecode) => timecode !== null) ?? null,
    },
    covers: covers.map((stream) => ({ stream: number(stream['index']), codec: text(stream['codec_name']) })),
  }
}

/** The timecode that the tags of a stream or of the file give. */
function timecodeOf(part: Json): string | null {
  const said = tag(part, 'timecode')
  return /^\d\d:\d\d:\d\d[:;.]\d\d$/.test(said) ? said : null
}

const UNIDENTIFIED = 'has a video stream that ffmpeg cannot identify (no size or no known codec)'

function withoutVideo(streams: readonly Json[]): string {
  const video = streams.filter((stream) => text(stream['codec_type']) === 'video')
  if (video.some((stream) => !isPicture(stream))) return UNIDENTIFIED
  if (streams.some((stream) => text(stream['codec_type']) === 'audio')) return 'has audio but no video stream'
  return video.length > 0 ? 'is a still picture, not a video' : 'has no video stream'
}

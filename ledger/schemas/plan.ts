/** The schema of a plan. What it says reaches command lines and filter graphs on every peer that encodes it. */
import { AUDIO_CODECS } from '../../protocol/audio-rendition.ts'
import { type ContentLight, HDR_MAX, type Mastering } from '../../protocol/hdr.ts'
import { PICTURE_SIDE_MAX } from '../../protocol/limits.ts'
import {
  type AttachmentFacts,
  type AudioFacts,
  type ChunkPlan,
  type CutFormat,
  FLAGS,
  type FurtherPicture,
  type Kept,
  type Metadata,
  type Plan,
  type RenditionPlan,
  type SoundPlan,
  type SubtitleFacts,
  type VideoFacts,
} from '../../protocol/plan.ts'
import { RENDITIONS_MAX } from '../../protocol/rendition.ts'
import { type Fields, list, nullable, object, oneOf, optional, record, textLike } from './check.ts'
import {
  count, countTo, finite, flag, halfInteger, integer, LIST_MAX, positive, positiveTo, rational, sha256, taskClass, text, videoId, word,
} from './values.ts' // biome-ignore format: a list of words
import { encoding } from './video.ts'

/** Chunks have numbers of five digits. */
const CHUNKS_MAX = 100_000
const CUT_FORMATS = ['nut', 'matroska', 'mov', 'avi', 'lossless', 'none'] as const satisfies readonly CutFormat[]

const side = positiveTo(PICTURE_SIDE_MAX)
const size = { width: side, height: side }
const flags = list(oneOf(FLAGS), FLAGS.length)

const chroma = list(countTo(HDR_MAX.chroma), 2)
const mastering = object({
  red: chroma,
  green: chroma,
  blue: chroma,
  white: chroma,
  luminance: list(countTo(HDR_MAX.luminance), 2),
} satisfies Fields<Mastering>)
const light = object({ pixel: countTo(HDR_MAX.light), frame: countTo(HDR_MAX.light) } satisfies Fields<ContentLight>)

const rotation = oneOf([0, 90, 180, 270])

const video = object({
  stream: count,
  codec: word,
  profile: text,
  pixel_format: word,
  bit_depth: count,
  ...size,
  sample_aspect: rational,
  rotation,
  mirrored: flag,
  interlaced: flag,
  top_field_first: flag,
  fields: optional(flag),
  captions: optional(flag),
  color: object({ range: word, primaries: word, transfer: word, space: word }),
  hdr: flag,
  mastering: optional(mastering),
  light: optional(light),
} satisfies Fields<VideoFacts>)

const audio = object({
  stream: count,
  codec: word,
  channels: count,
  layout: text,
  source_channels: count,
  extra: oneOf(['copied', 'decoded', 'counted', 'none']),
  relabelled: flag,
  sample_rate: count,
  language: word,
  title: text,
  flags,
} satisfies Fields<AudioFacts>)

const sound = object({
  stream: count,
  codec: oneOf(AUDIO_CODECS),
  channels: count,
  layout: text,
  kbps: finite,
  flags,
} satisfies Fields<SoundPlan>)

const subtitle = object({
  stream: count,
  codec: word,
  language: word,
  title: text,
  flags,
} satisfies Fields<SubtitleFacts>)

const further = object({
  stream: count,
  codec: word,
  language: word,
  title: text,
  flags,
  rotation,
  mirrored: flag,
} satisfies Fields<FurtherPicture>)

const kept = object({
  pictures: optional(list(further, 1000)),
  subtitles: list(subtitle, 1000),
  attachments: list(object({ name: text, type: text } satisfies Fields<AttachmentFacts>), LIST_MAX),
} satisfies Fields<Kept>)

const metadata = object({
  tags: record(word, text, 1_000),
  picture: object({
    language: word,
    title: text,
    flags,
    timecode: nullable(textLike(/^[\d:;.]{1,20}$/, ' is no timecode')),
  }),
  covers: list(object({ stream: count, codec: word }), LIST_MAX),
} satisfies Fields<Metadata>)

const { id, codec, rate, preset, bit_depth, profile } = encoding
const rendition = object({
  ...{ id, codec, rate, preset, bit_depth, profile },
  ...size,
  class: taskClass,
  signature: sha256,
  cost: finite,
} satisfies Fields<RenditionPlan>)

const chunk = object({
  chunk_id: countTo(CHUNKS_MAX - 1),
  start_pts: integer,
  end_pts: integer,
  frames: count,
  cut: nullable(object({ seek_pts: nullable(integer), stop_dts: nullable(halfInteger) })),
  times_sha256: optional(sha256),
} satisfies Fields<ChunkPlan>)

/** A document of the collection `plans`, without its `_id`. */
export const planSchema = object({
  version: oneOf([3]),
  video_id: videoId,
  time_base: rational,
  start_pts: integer,
  end_pts: integer,
  frames: count,
  jumps: optional(list(object({ from: integer, to: integer }), LIST_MAX)),
  genpts: flag,
  counted_rate: nullable(rational),
  fps: rational,
  variable_rate: flag,
  track_timescale: positive,
  lead: count,
  b_frames: oneOf([0, 3]),
  keyframe_s: finite,
  audio_kbps: positive,
  video,
  shapes: optional(list(object({ start_pts: integer, ...size, sample_aspect: rational }), CHUNKS_MAX)),
  audio: list(audio, 1000),
  sounds: optional(list(sound, 10_000)),
  subtitles: list(subtitle, 1000),
  kept: optional(kept),
  chapters: count,
  metadata,
  renditions: list(rendition, RENDITIONS_MAX),
  chunks: list(chunk, CHUNKS_MAX),
  cut_format: oneOf(CUT_FORMATS),
  run_in: count,
  closed_cuts: optional(flag),
  one_at_a_time: optional(flag),
  fates: list(object({ part: text, fate: oneOf(['kept', 'converted', 'left_out']), note: nullable(text) }), CHUNKS_MAX),
} satisfies Fields<Plan>)

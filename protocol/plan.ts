/**
 * The plan: how a video is cut and what each of its chunks must be. Computed at ingest, committed by one compare-and-set and never
 * changed. Every peer that encodes, verifies or merges reads it, so that the result does not depend on the peer.
 * INVARIANT: chunks cover every source frame once: `chunks[i].end_pts === chunks[i + 1].start_pts`.
 */

import type { Packaging } from './artifact.ts'
import type { AudioRendition } from './audio-rendition.ts'
import type { HdrData } from './hdr.ts'
import type { Sha256, VideoId } from './ids.ts'
import { kindFacts, kindsWhere } from './kinds.ts'
import { RENDITIONS_MAX, type Rendition } from './rendition.ts'

/** `[numerator, denominator]`, both positive. */
export type Rational = readonly [number, number]

/** Facts of the video stream, read from the source itself: a cut chunk lacks some of them. */
export interface VideoFacts extends HdrData {
  /** ffmpeg's stream index, for `-map 0:<index>`. */
  readonly stream: number
  readonly codec: string
  readonly profile: string
  readonly pixel_format: string
  /** Bits per sample. */
  readonly bit_depth: number
  /** Pixels as coded, before rotation and sample aspect. */
  readonly width: number
  readonly height: number
  readonly sample_aspect: Rational
  /** Clockwise turn that shows the picture upright. */
  readonly rotation: 0 | 90 | 180 | 270
  readonly mirrored: boolean
  readonly interlaced: boolean
  /** Field order when interlaced. */
  readonly top_field_first: boolean
  /** Whether each packet is one field (HEVC); `height` is that of two. */
  readonly fields?: true
  /** Whether the picture carries closed captions (CEA-608 or 708). */
  readonly captions?: true
  readonly color: {
    readonly range: string
    readonly primaries: string
    readonly transfer: string
    readonly space: string
  }
  readonly hdr: boolean
}

/** Size and pixel aspect of the picture from a time on, where they change in mid-film. */
export interface Shape extends Pick<VideoFacts, 'width' | 'height' | 'sample_aspect'> {
  /** First time in ticks of the source. */
  readonly start_pts: number
}

/** What a track is for, by ffmpeg's names: those that an MP4 made by ffmpeg holds (the track's flag and its `kind` boxes). */
export const FLAGS = [
  'default',
  'forced',
  'dub',
  'comment',
  'hearing_impaired',
  'visual_impaired',
  'captions',
  'descriptions',
] as const
/** One of `FLAGS`. */
export type Flag = (typeof FLAGS)[number]

/** An audio track of the source; in a plan with what a trial decode has shown. */
export interface AudioFacts {
  /** ffmpeg's stream index. */
  readonly stream: number
  readonly codec: string
  /** Number of channels, and ffmpeg's name of their layout: those of the results. */
  readonly channels: number
  readonly layout: string
  /** Number of channels in the source: more where they are mixed. */
  readonly source_channels: number
  /**
   * How the file of extras holds it: by stream copy; decoded, where a copy is not the same; or decoded and its times counted from its
   * samples, where the source's are none. `none`, of all tracks or of none: there is no such file, the audio task reads the source.
   */
  readonly extra: 'copied' | 'decoded' | 'counted' | 'none'
  /** The input of the audio task does not say the layout: the encode sets it. */
  readonly relabelled: boolean
  /** Hz. */
  readonly sample_rate: number
  /** ISO 639-2/T; '' where it is not known. */
  readonly language: string
  readonly title: string
  readonly flags: readonly Flag[]
}

/** One track of sound of the results. */
export interface SoundPlan {
  /** ffmpeg's index of its stream in the source: that of one of the plan's `audio`. */
  readonly stream: number
  readonly codec: AudioRendition['codec']
  /** Number of channels, and ffmpeg's name of their layout: fewer than those of the track where it is mixed down. */
  readonly channels: number
  readonly layout: string
  /** kb/s of the whole track; 0 where it is copied. */
  readonly kbps: number
  readonly flags: readonly Flag[]
}

/** The number of the first file of subtitles among the streams of a source: no source has as many. */
export const SUBTITLE_FILE_STREAM = 100_000

/** A text subtitle of the source. */
export interface SubtitleFacts {
  /** ffmpeg's stream index; from `SUBTITLE_FILE_STREAM` on it is a file that was submitted with the source. */
  readonly stream: number
  readonly codec: string
  /** ISO 639-2/T; '' where it is not known. */
  readonly language: string
  readonly title: string
  readonly flags: readonly Flag[]
}

/** A cover of the source that the results carry. */
export interface CoverFacts {
  /** ffmpeg's stream index. */
  readonly stream: number
  readonly codec: string
}

/** A file that is attached to the source, such as a font. */
export interface AttachmentFacts {
  readonly name: string
  /** Its media type, such as `font/ttf`. */
  readonly type: string
}

/** A picture of the source beside that of the results. */
export type FurtherPicture = SubtitleFacts & Pick<VideoFacts, 'rotation' | 'mirrored'>

/** What only Matroska results hold, as it is in the source. `pictures` is absent in plans of older peers. */
export interface Kept {
  readonly pictures?: readonly FurtherPicture[]
  /** Subtitles that are pictures, or text with places and movements of its own (ASS). */
  readonly subtitles: readonly SubtitleFacts[]
  readonly attachments: readonly AttachmentFacts[]
}

/** What the results say of themselves beside their tracks. */
export interface Metadata {
  /** Tags of the file, by the names of ffmpeg's MP4 writer, such as `title`. */
  readonly tags: Readonly<Record<string, string>>
  /** The picture's track; `timecode` is that of its first frame, such as `01:02:03:04`. */
  readonly picture: Pick<AudioFacts, 'language' | 'title' | 'flags'> & { readonly timecode: string | null }
  readonly covers: readonly CoverFacts[]
}

/** The metadata of a source that says nothing. */
export const NO_METADATA: Metadata = {
  tags: {},
  picture: { language: '', title: '', flags: [], timecode: null },
  covers: [],
}

/** A rendition of the recipe, with its size and constants for this source. */
export interface RenditionPlan extends Omit<Rendition, 'box'> {
  /** Square pixels of the upright picture; even. */
  readonly width: number
  readonly height: number
  /** What a worker must be capable of, such as `h264>x264/1080p`. */
  readonly class: string
  /** sha256 of the parameter sets (SPS, PPS, VPS) that every chunk must carry: a file joined from unequal ones plays wrongly without an error. */
  readonly signature: Sha256
  /**
   * Work to encode one frame, in megapixels of libx264 at preset medium: its pixels × a factor of codec and preset. An estimate for
   * the order of tasks, shares of progress and scaling; measured speeds correct it.
   */
  readonly cost: number
}

/** One chunk of the plan. */
export interface ChunkPlan {
  readonly chunk_id: number
  /** Half-open range of presentation times in `time_base`. */
  readonly start_pts: number
  readonly end_pts: number
  /** Source frames in it. */
  readonly frames: number
  /** Where to cut by stream copy, in `time_base`; null where the chunk is read straight from the source. */
  readonly cut: { readonly seek_pts: number | null; readonly stop_dts: number | null } | null
  /** sha256 of the frames' times, for a worker without the index; absent where ticks are rounded. */
  readonly times_sha256?: Sha256
}

/** A jump of the source's clock that is closed up in the results: no picture is shown in `[from, to)`, ticks of `time_base`. */
export interface ClockJump {
  /** End of the last picture before it, ticks of `time_base`. */
  readonly from: number
  /** Time of the first picture after it, ticks of `time_base`. */
  readonly to: number
}

/**
 * How the chunks of a plan are cut: by stream copy into one of four containers; `lossless`: decoded, and coded again as FFV1; `none`: not at
 * all, the source is read straight as one chunk.
 */
export type CutFormat = 'nut' | 'matroska' | 'mov' | 'avi' | 'lossless' | 'none'

/** What becomes of one part of the source: a stream, attachment, tag, flag or side datum. */
export interface Fate {
  /** The part, such as `stream 3`, `tag title of stream 3` or `tag location`; unique in a plan. */
  readonly part: string
  readonly fate: 'kept' | 'converted' | 'left_out'
  /** The sentence that a person should read about it; null where nothing is missed. */
  readonly note: string | null
}

/** The notes of a plan: the sentences of its fates, each once. */
export const notesOf = (fates: readonly Fate[]): string[] => [
  ...new Set(fates.flatMap(({ note }) => (note === null ? [] : [note]))),
]

/** The plan of one video, a document of the ledger. */
export interface Plan {
  readonly version: 3
  readonly video_id: VideoId
  /** Seconds per tick of every pts here: the source's own. */
  readonly time_base: Rational
  /** pts of the first visible frame and end of the last, in `time_base`; number of all frames. */
  readonly start_pts: number
  readonly end_pts: number
  readonly frames: number
  /** Jumps of the source's clock, in order; absent where it has none. */
  readonly jumps?: readonly ClockJump[]
  /** Some packets have no pts, few enough for `-fflags +genpts` to compute them. */
  readonly genpts: boolean
  /** Frames per second of a source whose frames are only counted, as its packets have no times, or only those of decoding; else null. */
  readonly counted_rate: Rational | null
  /** Frames per second of the whole video, for the encoder's rate control and level. */
  readonly fps: Rational
  readonly variable_rate: boolean
  /** Ticks per second of the MP4 tracks: source timescale × the smallest integer that makes it ≥ 10,000. */
  readonly track_timescale: number
  /** Ticks of the tracks from the beginning of the results to their first picture: sound that begins before it is kept. Usually 0. */
  readonly lead: number
  readonly b_frames: 0 | 3
  readonly keyframe_s: number
  readonly audio_kbps: number
  readonly video: VideoFacts
  /** The shapes of the picture in order of time; `video` has that of the frame. Absent where there is only one. */
  readonly shapes?: readonly Shape[]
  readonly audio: readonly AudioFacts[]
  /** The tracks of sound of the results, in order. Absent: each of `audio` as AAC at `audio_kbps` a channel. */
  readonly sounds?: readonly SoundPlan[]
  /** Text subtitles that the results contain. */
  readonly subtitles: readonly SubtitleFacts[]
  /** Where results are Matroska files: what these hold beside what MP4 does. Absent: they are MP4. */
  readonly kept?: Kept
  /** Number of chapters. */
  readonly chapters: number
  readonly metadata: Metadata
  readonly renditions: readonly RenditionPlan[]
  readonly chunks: readonly ChunkPlan[]
  /** How every chunk is cut: what trial cuts have shown to decode to the pictures of the source. */
  readonly cut_format: CutFormat
  /** Keyframes before that of a chunk at which its cut begins: more than 0 where a decoder drops pictures after the last one. */
  readonly run_in: number
  /** Each cut begins where a decoder needs nothing of what is before: known of cuts that needed no trial. */
  readonly closed_cuts?: boolean
  /** Planned for a machine of at most two slots that encodes nothing else, beside which there is no other: few long chunks, one after the other, each by several threads. */
  readonly one_at_a_time?: boolean
  /** Everything that the source holds, and what becomes of it. `notesOf` makes the notes of `status` from it. */
  readonly fates: readonly Fate[]
}

/** The position of a task in the order of claims: chunks in order of time, and of one chunk the rendition of the highest cost first. */
export function rankOf(plan: Pick<Plan, 'renditions'>, rendition: RenditionPlan, chunkId: number): number {
  const dearer = plan.renditions.filter(
    ({ cost, id }) => cost > rendition.cost || (cost === rendition.cost && id < rendition.id),
  ).length
  return chunkId * RENDITIONS_MAX + dearer
}

/** Number of tasks of a plan that count towards MERGING: each chunk in each rendition, the audio, and those of other kinds that count. */
export const planTasks = (plan: Pick<Plan, 'chunks' | 'renditions' | 'audio'>): number =>
  kindsWhere(({ countsAsEncode }) => countsAsEncode).reduce((sum, kind) => sum + kindFacts(kind).tasksOf(plan), 0)

/** Ticks of `time_base` from the first picture to a time of the source, with the jumps of its clock closed up. */
export const sinceStart = ({ start_pts, jumps = [] }: Pick<Plan, 'start_pts' | 'jumps'>, pts: number): number =>
  jumps.reduce((ticks, { from, to }) => (pts >= to ? ticks - (to - from) : ticks), pts - start_pts)

/** The container of the results. */
export const packagingOf = ({ kept }: Pick<Plan, 'kept'>): Packaging => (kept === undefined ? 'mp4' : 'mkv')

/** Seconds from the first frame to the end of the last. */
export const planSeconds = (plan: Plan): number =>
  (sinceStart(plan, plan.end_pts) * plan.time_base[0]) / plan.time_base[1]

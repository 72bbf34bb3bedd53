/**
 * All that the mesh needs of ffmpeg, as short verbs. The adapter is `media/ffmpeg-media.ts`; simulations use a stand-in.
 * Every verb takes an AbortSignal and ends its whole process group when it fires. Paths are absolute.
 *
 * Errors: `SourceRefused` (the file itself; final), `RecipeRefused` (what is asked of it; final, by `plan` alone), `AttemptFailed`
 * (this attempt; another may succeed).
 */
import type { Sha256, VideoId } from './ids.ts'
import type { AudioFacts, Plan, Rational, SubtitleFacts, VideoFacts } from './plan.ts'
import type { Recipe } from './recipe.ts'
import type { RenditionId } from './rendition.ts'

/** What one ffmpeg build has shown it can do by real trial runs: builds list what they cannot do. */
export interface SelfTestReport {
  readonly ffmpeg: string
  /** Decoder facts in class form, such as `h264`, `hevc10`, `vp9`, `av1`, `mpeg2video`. */
  readonly decoders: readonly string[]
  /** `x264`, `x265-199`: libx265's bytes are equal within a build family only. */
  readonly encoders: readonly string[]
  /** Filters beyond the ever-present ones, such as `zscale`, `bwdif`. */
  readonly filters: readonly string[]
  /** Peak memory of a trial encode of the default ladder, bytes: divides free memory into slots. */
  readonly encode_bytes: number
  /** Cores that one encode of several renditions keeps busy: about 1 before ffmpeg 7, 1.6 from it on. */
  readonly cores_per_slot: number
}

/** What is known of a file before its packets are read. */
export interface SourceProbe {
  readonly format: string
  /** 0 where the container does not say. */
  readonly duration_s: number
  readonly time_base: Rational
  readonly video: VideoFacts
  readonly audio: readonly AudioFacts[]
  readonly subtitles: readonly SubtitleFacts[]
  readonly chapters: number
  readonly notes: readonly string[]
}

/** The source's packets, opaque to all but `media/`. Some MB for a long film: kept while an ingest runs, not stored. */
export interface SourceIndex {
  readonly frames: number
  readonly genpts: boolean
}

/** A chunk as cut: what its times became in the cut's own timebase. */
export interface Cut {
  readonly path: string
  readonly start_pts: number
  readonly end_pts: number
  readonly time_base: Rational
}

/** One chunk to encode, in one or more renditions. */
export interface EncodeJob {
  readonly plan: Plan
  readonly chunk_id: number
  readonly input: Cut
  readonly renditions: readonly RenditionId[]
  /** An existing, empty folder of the attempt's own. */
  readonly outDir: string
  /** At most ten times a second. `frames` of the chunk's; `speed` is source seconds per second. */
  readonly onProgress?: (progress: { frames: number; speed: number }) => void
  readonly signal: AbortSignal
}

/** The encoded file of one rendition, with the sha256 of its elementary stream; or why it failed. */
export type EncodeResult =
  | { readonly rendition: RenditionId; readonly ok: true; readonly path: string; readonly es_sha256: Sha256 }
  | { readonly rendition: RenditionId; readonly ok: false; readonly failure: import('./errors.ts').AttemptFailed }

/** One rendition to join, mux and verify. Paths are absolute. */
export interface MergeJob {
  readonly plan: Plan
  readonly rendition: RenditionId
  /** One encoded chunk for each of the plan's, in order. */
  readonly chunks: readonly string[]
  /** The result of the audio task, where the plan has audio. */
  readonly audio: string | null
  /** The Matroska extra with subtitles and chapters, where the plan has any. */
  readonly extra: string | null
  /** The finished MP4, written here and verified. */
  readonly out: string
  /** Called for what only shows at the end, such as frames that no decoder could read. */
  readonly onNote?: (sentence: string) => void
  readonly signal: AbortSignal
}

/** The files that `Media.extras` made; paths are absolute. */
export interface Extras {
  /** Every audio track by stream copy (FLAC for Opus and WMA); null without audio. */
  readonly audio: string | null
  /** Text subtitles and chapters, Matroska; null where there are none. */
  readonly other: string | null
}

/** ffmpeg as the mesh uses it; the head of this file has the errors. */
export interface Media {
  /** Trial runs of this build, one frame each. Slow the first time (seconds); the adapter keeps the result by build. */
  selfTest(signal: AbortSignal): Promise<SelfTestReport>
  /** One small encode now, nothing remembered: rejects where this machine's ffmpeg does not work any more. */
  quickSelfTest(signal: AbortSignal): Promise<void>
  /** Refuses what is not a video, in one sentence that names the file. */
  probe(source: string, signal: AbortSignal): Promise<SourceProbe>
  /** Demux only. Refuses files without one decodable frame. */
  index(source: string, probe: SourceProbe, signal: AbortSignal): Promise<SourceIndex>
  /** Boundaries, renditions, classes, and one trial frame per rendition for its signature. */
  plan(job: {
    video_id: VideoId
    source: string
    probe: SourceProbe
    index: SourceIndex
    recipe: Recipe
    signal: AbortSignal
  }): Promise<Plan>
  /** One chunk by stream copy into `out`, checked against the index. A chunk with `cut: null` answers the source's path. */
  cut(job: {
    plan: Plan
    chunk_id: number
    source: string
    index: SourceIndex
    out: string
    signal: AbortSignal
  }): Promise<Cut>
  extras(job: { plan: Plan; source: string; outDir: string; signal: AbortSignal }): Promise<Extras>
  /** One ffmpeg for every rendition: one file each, verified against the plan. Rejects only when all of it failed. */
  encode(job: EncodeJob): Promise<readonly EncodeResult[]>
  /** Every audio track, whole, from the audio extra. */
  audio(job: {
    plan: Plan
    input: string
    out: string
    onProgress?: (progress: { seconds: number; speed: number }) => void
    signal: AbortSignal
  }): Promise<void>
  /** Join, mux and verify one rendition. */
  merge(job: MergeJob): Promise<void>
}

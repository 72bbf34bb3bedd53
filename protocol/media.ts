/**
 * What the mesh needs of ffmpeg. The adapter is `media/ffmpeg-media.ts`; simulations use a stand-in. Every method takes an AbortSignal,
 * which ends the whole process group. Paths are absolute.
 *
 * Errors: `SourceRefused` (the file itself; final), `RecipeRefused` (what is asked of it; final, by `checkRecipe` and `plan`), `AttemptFailed`
 * (this attempt; another may succeed).
 */
import type { Capability } from './capability.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Sha256, VideoId } from './ids.ts'
import type { PackageRecipe } from './package.ts'
import type { AudioFacts, Fate, Kept, Metadata, Plan, Rational, SubtitleFacts, VideoFacts } from './plan.ts'
import type { Recipe, SubtitleFile } from './recipe.ts'
import type { RenditionId } from './rendition.ts'
import type { SoundPartFacts } from './sound-part.ts'

/** What one ffmpeg build can run, by trial runs: the lists that builds print name encoders that fail. */
export interface SelfTestReport {
  readonly ffmpeg: string
  /** Decoder facts in class form, such as `h264`, `hevc10`, `vp9`, `av1`, `mpeg2video`. */
  readonly decoders: readonly string[]
  /** `x264`, `x265-199`: libx265's bytes are equal within a build family only. */
  readonly encoders: readonly string[]
  /** Optional filters, such as `zscale` and `bwdif`. */
  readonly filters: readonly string[]
  /** Peak memory of a trial encode of the default ladder, bytes, a guess where memory is ample; free memory ÷ this bounds the slots. */
  readonly encode_bytes: number
  /** Cores that one encode of several renditions keeps busy: about 1 before ffmpeg 7, 1.6 from it on. */
  readonly cores_per_slot: number
}

/** What a worker of the mesh can encode, and how fast, as its heartbeat says. */
export type WorkerAbility = Pick<Heartbeat, 'slots' | 'speeds'> & Pick<Capability, 'encoders' | 'renditions'>

/** A chapter of a source. */
export interface ChapterFacts {
  /** ms of the source's clock. */
  readonly start: number
  /** ms of the source's clock; null where the source gives none. */
  readonly end: number | null
  readonly title: string
}

/** What `ffprobe` reads of a file before its packets are read. */
export interface SourceProbe {
  readonly format: string
  /** 0 where the container does not say. */
  readonly duration_s: number
  readonly time_base: Rational
  readonly video: VideoFacts
  readonly audio: readonly AudioFacts[]
  /** Every subtitle stream that may be text. */
  readonly subtitles: readonly SubtitleFacts[]
  readonly chapters: readonly ChapterFacts[]
  readonly metadata: Metadata
  /** What becomes of its parts, as far as the streams show it: in MP4 results. */
  readonly fates: readonly Fate[]
  /** The same of Matroska results, and what these hold beside. */
  readonly asMatroska: { readonly fates: readonly Fate[]; readonly kept: Kept }
}

/** A file of subtitles that was submitted with the source, and its absolute path here. */
export interface SubtitlePath {
  readonly file: SubtitleFile
  readonly path: string
}

/** The source's packets and its text, opaque outside of `media/`. Some MB for a long video, in memory while its ingest runs. */
export interface SourceIndex {
  readonly frames: number
  readonly genpts: boolean
}

/** A chunk that was cut: its file, and its range of presentation times, `[start_pts, end_pts)`, in the file's own time base. */
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
  /** Where the same ffmpeg writes the sound, of a plan that is `isOneEncode`; absent: only pictures are encoded. */
  readonly sound?: string
  /** An existing, empty folder of the attempt's own. */
  readonly outDir: string
  /** Called at most ten times a second. `frames`: frames of the chunk so far; `speed`: source seconds encoded per second. */
  readonly onProgress?: (progress: { frames: number; speed: number }) => void
  readonly signal: AbortSignal
}

/** The encoded file of one rendition, with the sha256 of its elementary stream; or why it failed. */
export type EncodeResult =
  | { readonly rendition: RenditionId; readonly ok: true; readonly path: string; readonly es_sha256: Sha256 }
  | { readonly rendition: RenditionId; readonly ok: false; readonly failure: import('./errors.ts').AttemptFailed }

/** A rendition to join. Paths are absolute. */
export interface JoinedRendition {
  readonly rendition: RenditionId
  /** One encoded chunk for each of the plan's, in order. */
  readonly chunks: readonly string[]
  /** The finished MP4, written here and verified. */
  readonly out: string
}

/** Renditions to join, mux and verify, all by one ffmpeg. Paths are absolute. */
export interface MergeJob {
  readonly plan: Plan
  /** At least one. */
  readonly renditions: readonly JoinedRendition[]
  /** The result of the audio task, where the plan has audio. */
  readonly audio: string | null
  /** The extra with subtitles, chapters and covers, where the plan has any. */
  readonly extra: string | null
  /** Called once with each thing that only the merge can see, such as frames that no decoder could read. */
  readonly onNote?: (sentence: string) => void
  /** `done`: share of the film that is joined, 0–1. */
  readonly onProgress?: (done: number) => void
  readonly signal: AbortSignal
}

/** What to package. Paths are absolute. */
export interface PackageJob extends Pick<MergeJob, 'plan' | 'audio' | 'extra' | 'onProgress' | 'signal'> {
  readonly package: PackageRecipe
  /** The file of its key; null where nothing is encrypted. */
  readonly key: string | null
  /** All renditions of the plan, smallest first; `out` is not used. */
  readonly renditions: readonly Omit<JoinedRendition, 'out'>[]
  /** An existing, empty folder. */
  readonly outDir: string
}

/** A file of a package: its name, where it was written, and its IANA media type. */
export interface PackagedFile {
  readonly name: string
  readonly path: string
  readonly media_type: string
  /** It is delivered as a folder, as `Artifact.is_folder` says. */
  readonly is_folder?: true
}

/** A part of the sound, in a file of its own. */
export interface MadeSoundPart {
  readonly path: string
  readonly sound: SoundPartFacts
}

/** What is done with the parts of a sound that is being encoded. */
export interface SoundPartTaker {
  /** Takes the next parts, those of each track in order. Where it rejects (`LedgerUnavailable`, an error of the disk, or the attempt was superseded) no more are made. */
  take(parts: readonly MadeSoundPart[]): Promise<void>
  /** Called where parts cannot be made any more. */
  failed(error: unknown): void
}

/** The files that `Media.extras` made; paths are absolute. */
export interface Extras {
  /** Every audio track, copied or decoded as the plan says; the source itself where it is read straight; null without audio. */
  readonly audio: string | null
  /** Text subtitles, chapters and covers, in a form of `media/`'s own; null where there are none. */
  readonly other: string | null
}

/**
 * ffmpeg as the mesh uses it. Methods reject with `SourceRefused`, `RecipeRefused` or `AttemptFailed` (see the head of this file), and with
 * the signal's reason.
 */
export interface Media {
  /** Trial runs of this build, one frame each. The first takes seconds; the adapter caches the result by build. */
  selfTest(signal: AbortSignal): Promise<SelfTestReport>
  /** What the first few of them showed, which a start waits for: less than `selfTest` answers, never more, and the same where that is known. */
  firstSelfTest(signal: AbortSignal): Promise<SelfTestReport>
  /** What `selfTest` answers, once something has needed it: who calls it, or a film that is no H.264. Never rejects. */
  readonly wholeReport: Promise<SelfTestReport>
  /** One small encode now, without the cache: rejects where this machine's ffmpeg does not work any more. */
  quickSelfTest(signal: AbortSignal): Promise<void>
  /** Throws `RecipeRefused` where no codec of this version can follow it: before a submit. `plan` refuses one of another version. */
  checkRecipe(recipe: Recipe): void
  /**
   * Rejects with `SourceRefused` where a source is no video, as `probe` does, and sooner: a plain film shows it by its own boxes. What only ffmpeg
   * sees in one is found by the ingest.
   */
  check(source: string, signal: AbortSignal): Promise<void>
  /** Reads the facts of a source. Rejects with `SourceRefused` where it is no video. */
  probe(source: string, signal: AbortSignal): Promise<SourceProbe>
  /**
   * Reads all packets, without decoding, and all text, that of the files of subtitles too. Rejects with `SourceRefused` where no frame can be
   * decoded.
   */
  index(
    source: string,
    probe: SourceProbe,
    signal: AbortSignal,
    subtitles?: readonly SubtitlePath[],
  ): Promise<SourceIndex>
  /**
   * Computes chunks, renditions and classes, and encodes one trial frame per rendition for its signature. `workers`: those that will encode, which decide
   * between several encoders of one codec; absent: none is known. `isAlone`: one of at most two slots encodes this film, nothing else and beside no other;
   * absent: others may come.
   */
  plan(job: {
    video_id: VideoId
    source: string
    probe: SourceProbe
    index: SourceIndex
    recipe: Recipe
    workers?: readonly WorkerAbility[]
    isAlone?: boolean
    signal: AbortSignal
  }): Promise<Plan>
  /** Cuts one chunk by stream copy into `out` and checks it against the index. For a chunk with `cut: null` it answers the source's path. */
  cut(job: {
    plan: Plan
    chunk_id: number
    source: string
    index: SourceIndex
    out: string
    signal: AbortSignal
  }): Promise<Cut>
  /** Copies audio tracks out of the source into `outDir`, and writes text subtitles and chapters there. */
  extras(job: { plan: Plan; source: string; index: SourceIndex; outDir: string; signal: AbortSignal }): Promise<Extras>
  /** Encodes all renditions in one ffmpeg: one file each, verified against the plan. Rejects only when all of them failed, or the sound did. */
  encode(job: EncodeJob): Promise<readonly EncodeResult[]>
  /**
   * Encodes every audio track from the file that `extras` answered. `speed`: source seconds encoded per second. With `parts`, the parts of the sound
   * are written beside `out` while it is encoded; what fails of that does not fail the encode.
   */
  audio(job: {
    plan: Plan
    input: string
    out: string
    parts?: SoundPartTaker | undefined
    onProgress?: (progress: { seconds: number; speed: number }) => void
    signal: AbortSignal
  }): Promise<void>
  /** Joins, muxes and verifies the renditions. No output remains where one fails. */
  merge(job: MergeJob): Promise<void>
  /** Makes the streaming package: one file for each track, text, images and manifests. Answers its files, the manifests last. */
  package(job: PackageJob): Promise<readonly PackagedFile[]>
}

/**
 * The encode: one ffmpeg for all renditions of a chunk, of any codecs. The trial frame that gives a plan its signatures is encoded with
 * arguments of the same function, so that both always agree.
 *
 * Deterministic: one thread for filters, and for the encoder but where its bytes allow more, and for the decoder but where the caller looks for damage; a given frame rate instead of a guessed one; no dates; and the options of
 * each codec.
 */
import type { Plan, RenditionPlan } from '../../protocol/plan.ts'
import type { Codec } from '../codecs/codec.ts'
import { codecOf, encoderOf, lastChunkThreads } from '../codecs/codecs.ts'
import { filterGraph, keptHdr, outputColor } from '../filter-graph.ts'
import type { TimedShape } from '../shapes.ts'
import { decimal, fraction, integer, MOVIE_TIMESCALE, plainWord } from './argument.ts'
import { type AudioJob, soundInput, soundOutput } from './audio.ts'
import { DAMAGE_ALLOWED, fileUrl, PROGRESS, QUIET, SAFE } from './safe.ts'

/** The fields of a plan on which every encode of a video depends. */
export type Settings = Pick<
  Plan,
  'video' | 'fps' | 'track_timescale' | 'b_frames' | 'keyframe_s' | 'genpts' | 'counted_rate'
>

/** The fields of a rendition on which its encode depends. */
export type Encoded = Pick<
  RenditionPlan,
  'width' | 'height' | 'codec' | 'class' | 'rate' | 'preset' | 'bit_depth' | 'profile'
>

/** One output of an encode: a rendition, and the file to write. */
export interface Output {
  readonly rendition: Encoded
  readonly path: string
}

/** One chunk to encode in some renditions. Paths are absolute. */
export interface EncodeArgs {
  readonly settings: Settings
  readonly input: {
    readonly path: string
    readonly start_pts: number
    readonly end_pts: number
    readonly time_base: readonly [number, number]
  }
  /** Whether `input` is the source itself; then its stream index, `genpts` and `counted_rate` apply. */
  readonly fromSource: boolean
  readonly outputs: readonly Output[]
  /** As in `GraphJob`. */
  readonly shapes?: readonly TimedShape[]
  /** Number of frames after which to stop: 1 for the trial. */
  readonly frames?: number
  /** Whether several threads encode the chunk (`hasThreads`); absent: not. */
  readonly isThreaded?: boolean
  /** Threads of the decoder, 1 without it. More decode beside the encodes, and hide damage in other ways: the pictures are the same only where it finds none. */
  readonly decoders?: number
  /** Sound that is encoded beside the pictures, into a file of its own. */
  readonly sound?: AudioJob
}

/**
 * The arguments of the ffmpeg that encodes one chunk in all its renditions. Throws `AttemptFailed('build_cannot')` for a codec that this
 * version does not know.
 */
export function encodeArgs(job: EncodeArgs): string[] {
  const { settings, input, fromSource, sound } = job
  // A source says how to turn it, and only ffmpeg's own turning keeps that out of the result. Its cuts do not say it.
  const isTurned = fromSource && (settings.video.rotation !== 0 || settings.video.mirrored)
  const isCounted = fromSource && settings.counted_rate !== null
  const graph = filterGraph({
    video: settings.video,
    ...input,
    // ffmpeg counts from 0.
    ...(isCounted && { start_pts: 0, end_pts: input.end_pts - input.start_pts }),
    sizes: job.outputs.map(({ rendition }) => rendition),
    shapes: job.shapes ?? [],
    isUpright: isTurned,
  })
  return [
    ...QUIET, ...PROGRESS, ...(sound ? DAMAGE_ALLOWED : []), '-filter_threads', '1', '-filter_complex_threads', '1',
    ...SAFE, ...(fromSource && settings.genpts ? ['-fflags', '+genpts'] : []),
    ...(isCounted ? ['-r', fraction(settings.counted_rate!, '/')] : []),
    ...(isTurned ? [] : ['-noautorotate']), '-threads', integer(job.decoders ?? 1), '-copyts', '-i', fileUrl(input.path), ...(sound ? soundInput(sound) : []),
    '-filter_complex', fromSource ? graph.replace('[0:v:0]', `[0:${integer(settings.video.stream)}]`) : graph,
    ...job.outputs.flatMap((output, at) => outputArgs({ settings, at, output, frames: job.frames, isThreaded: job.isThreaded ?? false })),
    ...(sound ? soundOutput(sound, 1) : []),
  ] // biome-ignore format: groups
}

/** The option `-tag:v` of a codec, for an encode and a merge; empty where MP4's default is right. */
export const tagArgs = ({ tag }: Pick<Codec, 'tag'>): string[] => (tag === null ? [] : ['-tag:v', plainWord(tag)])

/** Whether encodes of this codec keep the closed captions that the source has in its picture. */
export const carriesCaptions = ({ video }: Pick<Plan, 'video'>, codec: Codec): boolean =>
  video.captions === true && codec.captions

interface OutputJob {
  readonly settings: Settings
  readonly at: number
  readonly output: Output
  readonly frames: number | undefined
  readonly isThreaded: boolean
}

function outputArgs({ settings, at, output: { rendition, path }, frames, isThreaded }: OutputJob): string[] {
  const timescale = integer(settings.track_timescale)
  const [codec, encoder] = [codecOf(rendition.codec), encoderOf(rendition)]
  const threads = isThreaded ? lastChunkThreads(encoder, rendition).threads : 1
  return [
    '-map', `[o${at}]`, '-fps_mode', 'passthrough', '-enc_time_base', `1:${timescale}`,
    ...(frames === undefined ? [] : ['-frames:v', integer(frames)]),
    ...encoder.encoderArgs({ ...rendition, ...settings, color: outputColor(settings.video, rendition.bit_depth), hdr: keptHdr(settings.video, rendition.bit_depth), threads }), ...tagArgs(codec),
    '-force_key_frames', `expr:gte(t,n_forced*${decimal(settings.keyframe_s)})`,
    '-bsf:v', [...(carriesCaptions(settings, codec) ? [] : codec.bitstream), durations(settings)].join(), '-map_metadata', '-1', '-map_chapters', '-1',
    '-fflags', '+bitexact', '-flags:v', '+bitexact', '-video_track_timescale', timescale, '-movie_timescale', integer(MOVIE_TIMESCALE), '-f', 'mp4', fileUrl(path),
  ] // biome-ignore format: groups
}

/** Gives the last frame a duration: in NUT and Matroska it has none; players would end before it, and ffmpeg 9 drops it. */
function durations({ fps, track_timescale }: Settings): string {
  const duration = Math.max(1, Math.round((track_timescale * fps[1]) / fps[0]))
  return `setts=pts=PTS:dts=DTS:duration='if(gt(DURATION,0),DURATION,${integer(duration)})'`
}

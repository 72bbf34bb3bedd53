/**
 * The encode: one ffmpeg for every rendition of a chunk. The trial frame that fixes a plan's signatures goes through the
 * same builder, so that the two cannot drift apart.
 *
 * Deterministic: one thread for decoder, filters and encoder; the frame rate given instead of guessed; x264's own SEI
 * removed; no dates. x264's bytes are then equal on every build from 5.1 to 9.0 and every x86-64 level (MEDIA.md §2).
 */
import type { Plan } from '../../protocol/plan.ts'
import { filterGraph, outputColor } from '../filter-graph.ts'
import type { Rung } from '../rungs.ts'
import { fileUrl, PROGRESS, QUIET, SAFE } from './safe.ts'

/** What a plan fixes about every encode of a video. */
export type Settings = Pick<
  Plan,
  'video' | 'fps' | 'track_timescale' | 'b_frames' | 'encoder' | 'preset' | 'crf' | 'keyframe_s' | 'genpts'
>

export interface EncodeArgs {
  readonly settings: Settings
  readonly input: {
    readonly path: string
    readonly start_pts: number
    readonly end_pts: number
    readonly time_base: readonly [number, number]
  }
  /** Where `input` is the source itself: its stream and whether it lacks times. */
  readonly straight: boolean
  readonly outputs: readonly { readonly rung: Omit<Rung, 'resolution'>; readonly path: string }[]
  /** Stop after so many frames: 1 for the trial. */
  readonly frames?: number
}

export function encodeArgs(job: EncodeArgs): string[] {
  const { settings, input, straight } = job
  const graph = filterGraph({ video: settings.video, ...input, sizes: job.outputs.map(({ rung }) => rung) })
  return [
    ...QUIET, ...PROGRESS, '-filter_threads', '1', '-filter_complex_threads', '1',
    ...SAFE, ...(straight && settings.genpts ? ['-fflags', '+genpts'] : []),
    '-noautorotate', '-threads', '1', '-copyts', '-i', fileUrl(input.path),
    '-filter_complex', straight ? graph.replace('[0:v:0]', `[0:${settings.video.stream}]`) : graph,
    ...job.outputs.flatMap(({ path }, at) => output(settings, at, path, job.frames)),
  ] // biome-ignore format: groups
}

function output(settings: Settings, at: number, path: string, frames: number | undefined): string[] {
  const timescale = String(settings.track_timescale)
  return [
    '-map', `[o${at}]`, '-fps_mode', 'passthrough', '-enc_time_base', `1:${timescale}`,
    ...(frames === undefined ? [] : ['-frames:v', String(frames)]),
    ...encoder(settings), '-force_key_frames', `expr:gte(t,n_forced*${settings.keyframe_s})`,
    '-bsf:v', bitstream(settings), '-map_metadata', '-1', '-map_chapters', '-1',
    '-fflags', '+bitexact', '-flags:v', '+bitexact', '-video_track_timescale', timescale, '-f', 'mp4', fileUrl(path),
  ] // biome-ignore format: groups
}

/** No keyframes but the forced ones: at 120 fps the encoders' own default of 250 frames would come before 3 s. */
const GOP_FRAMES = '100000'

/** With nothing else to say about colour, encoders leave the range out too; these make them say it. */
function rangeAlone(settings: Settings, words: string): string {
  const { range, primaries, transfer, space } = outputColor(settings.video)
  return range === 'tv' && [primaries, transfer, space].every((name) => name === 'unknown') ? `:${words}` : ''
}

function encoder(settings: Settings): string[] {
  const { encoder, preset, crf, b_frames, fps } = settings
  const rate = `fps=${fps[0]}/${fps[1]}`
  const common = ['-preset', preset, '-crf', String(crf), '-threads', '1', '-bf', String(b_frames), '-g', GOP_FRAMES]
  if (encoder === 'x264') {
    return [
      '-c:v',
      'libx264',
      ...common,
      '-x264-params',
      `${rate}:cpu-independent=1${rangeAlone(settings, 'videoformat=component')}`,
      '-sc_threshold',
      '0',
    ]
  }
  const quiet = 'pools=none:frame-threads=1:scenecut=0:open-gop=0:info=0:log-level=error'
  return [
    '-c:v',
    'libx265',
    ...common,
    '-x265-params',
    `${rate}:${quiet}${rangeAlone(settings, 'range=limited')}`,
    '-tag:v',
    'hvc1',
  ]
}

/** The last frame of a NUT or Matroska has no duration; a player would end before it, ffmpeg 9 drops it (trap 3). */
function bitstream({ encoder, fps, track_timescale }: Settings): string {
  const duration = Math.max(1, Math.round((track_timescale * fps[1]) / fps[0]))
  const setts = `setts=pts=PTS:dts=DTS:duration='if(gt(DURATION,0),DURATION,${duration})'`
  return encoder === 'x264' ? `filter_units=remove_types=6,${setts}` : setts
}

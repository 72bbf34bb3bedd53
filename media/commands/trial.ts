/** The trial runs of `prove.ts`. Encodes go through the encode's own builder: what is proved is what will run. */
import type { VideoFacts } from '../../protocol/plan.ts'
import { encodeArgs } from './encode.ts'
import { fileUrl, QUIET, SAFE } from './safe.ts'

/** Decodes a clip of one frame; a line of checksum on stdout for each frame that came out. */
export function decodeTrialArgs(clip: string): string[] {
  return [...QUIET, ...SAFE, '-threads', '1', '-i', fileUrl(clip), '-map', '0:v:0', '-f', 'framecrc', 'pipe:1']
}

/** Whether a framecrc listing holds a frame: comments begin with `#`. */
export const canRun = (lines: readonly string[]): boolean => lines.some((line) => /^0,/.test(line.trim()))

const CLIP: VideoFacts = {
  stream: 0, codec: 'h264', profile: '', pixel_format: 'yuv420p', bit_depth: 8, width: 64, height: 64,
  sample_aspect: [1, 1], rotation: 0, mirrored: false, interlaced: false, top_field_first: true, hdr: false,
  color: { range: 'unknown', primaries: 'unknown', transfer: 'unknown', space: 'unknown' },
} // biome-ignore format: a record

export interface EncodeTrial {
  readonly clip: string
  readonly encoder: 'x264' | 'x265'
  readonly filter: string | null
  readonly out: string
}

/** One frame through the real graph: deinterlaced, tone-mapped or plain. */
export function encodeTrialArgs({ clip, encoder, filter, out }: EncodeTrial): string[] {
  const hdr = filter === 'zscale'
  const video = {
    ...CLIP,
    interlaced: filter === 'bwdif',
    hdr,
    color: { ...CLIP.color, transfer: hdr ? 'smpte2084' : 'unknown' },
  }
  const settings = {
    video, fps: [25, 1], track_timescale: 12_800, b_frames: 3, encoder, preset: 'ultrafast', crf: 23, keyframe_s: 3, genpts: false,
  } as const // biome-ignore format: a record
  // The clip's own time base need not be known: everything from the first tick on is taken.
  const input = { path: clip, start_pts: 0, end_pts: 1_000_000, time_base: [1, 25] } as const
  return encodeArgs({ settings, input, straight: false, outputs: [{ rung: { width: 64, height: 64 }, path: out }] })
}

/** x265 names its build in the SEI that real encodes leave out. */
export function x265BuildArgs({ clip, out }: { clip: string; out: string }): string[] {
  return [
    ...QUIET, ...SAFE, '-threads', '1', '-i', fileUrl(clip), '-map', '0:v:0', '-c:v', 'libx265', '-preset', 'ultrafast',
    '-x265-params', 'pools=none:frame-threads=1:info=1:log-level=error', '-f', 'hevc', fileUrl(out),
  ] // biome-ignore format: groups
}

const SIZES = ['854:480', '1280:720', '1920:1080'] as const
/** Enough frames to fill the encoders' lookahead (40 at `medium`, and the reorder queue). */
const LOOKAHEAD_FRAMES = 64

/** A fused encode of all three rungs; ffmpeg then tells its peak memory. */
export function memoryTrialArgs(clip: string): string[] {
  const pads = SIZES.map((_, at) => `[s${at}]`).join('')
  const scaled = SIZES.map((size, at) => `[s${at}]scale=${size}[o${at}]`).join(';')
  return [
    '-nostdin', '-hide_banner', '-v', 'info', '-nostats', '-benchmark', ...SAFE, '-threads', '1', '-i', fileUrl(clip),
    '-filter_complex', `[0:v:0]loop=loop=${LOOKAHEAD_FRAMES}:size=1:start=0,split=${SIZES.length}${pads};${scaled}`,
    ...SIZES.flatMap((_, at) => ['-map', `[o${at}]`, '-c:v', 'libx264', '-preset', 'medium', '-threads', '1', '-f', 'null', '-']),
  ] // biome-ignore format: groups
}

/** Command lines of the self-test. Encodes use the builder of real encodes, so that the test covers what will run. */
import { formatClass } from '../../protocol/capability.ts'
import type { VideoFacts } from '../../protocol/plan.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import type { Codec, Encoder, FamilyTrial } from '../codecs/codec.ts'
import { codecOf } from '../codecs/codecs.ts'
import { SOUND_ENCODERS } from './audio.ts'
import { encodeArgs } from './encode.ts'
import { fileUrl, QUIET, SAFE } from './safe.ts'

/** Arguments to decode clips of one frame; ffmpeg prints a checksum for each decoded frame. */
export function decodeTrialArgs(clips: readonly string[]): string[] {
  const inputs = clips.flatMap((clip) => [...SAFE, '-threads', '1', '-i', fileUrl(clip)])
  const streams = clips.flatMap((_, at) => ['-map', `${at}:v:0`])
  return [...QUIET, ...inputs, ...streams, '-f', 'framecrc', 'pipe:1']
}

/** Whether ffmpeg's framecrc output has at least one frame of each of the clips; its comments begin with `#`. */
export function haveRun(lines: readonly string[], clips: number): boolean {
  const streams = new Set(lines.flatMap((line) => /^(\d+),/.exec(line.trim())?.[1] ?? []))
  return streams.size === clips
}

const CLIP: VideoFacts = {
  stream: 0, codec: 'h264', profile: '', pixel_format: 'yuv420p', bit_depth: 8, width: 64, height: 64,
  sample_aspect: [1, 1], rotation: 0, mirrored: false, interlaced: false, top_field_first: true, hdr: false,
  color: { range: 'unknown', primaries: 'unknown', transfer: 'unknown', space: 'unknown' },
} // biome-ignore format: a record

/** Frame rate and B-frames of every trial encode. */
const RATE = { fps: [25, 1], b_frames: 3 } as const

/** A trial encode of one frame: by which encoder of a codec, and through which optional filter (null: none). Paths are absolute. */
export interface EncodeTrial {
  readonly clip: string
  readonly codec: Codec
  readonly encoder: Encoder
  readonly bitDepth: Rendition['bit_depth']
  readonly filter: string | null
  readonly out: string
}

/** Arguments to encode one frame through the real filter graph: deinterlaced, tone-mapped or plain. Throws as `encodeArgs`. */
export function encodeTrialArgs({ clip, codec, encoder, bitDepth, filter, out }: EncodeTrial): string[] {
  const hdr = filter === 'zscale'
  const video = {
    ...CLIP,
    interlaced: filter === 'bwdif',
    hdr,
    color: { ...CLIP.color, transfer: hdr ? 'smpte2084' : 'unknown' },
  }
  const settings = {
    video, ...RATE, track_timescale: 12_800, keyframe_s: 3, genpts: false, counted_rate: null,
  } as const // biome-ignore format: a record
  // The clip's time base is not known: this range covers its frame in any.
  const input = { path: clip, start_pts: 0, end_pts: 1_000_000, time_base: [1, 25] } as const
  const ofTrial = formatClass({ decoder: video.codec, filters: [], encoder: encoder.name, rendition: 'trial' })
  const rendition = { ...codec.trial, codec: codec.name, class: ofTrial, bit_depth: bitDepth, width: 64, height: 64 }
  return encodeArgs({ settings, input, fromSource: false, outputs: [{ rendition, path: out }] })
}

/** Arguments to encode a moment of silence as Opus, the way the sound of films is. */
export const opusTrialArgs = (): string[] => [
  ...QUIET, '-f', 'lavfi', '-i', 'anullsrc=channel_layout=stereo:sample_rate=48000:duration=0.1',
  '-c:a', SOUND_ENCODERS.opus, '-f', 'null', '-',
] // biome-ignore format: groups

/** Arguments to encode one frame whose file or log shows the build family. */
export function familyTrialArgs({ clip, family, out }: { clip: string; family: FamilyTrial; out: string }): string[] {
  return [...QUIET, ...SAFE, '-threads', '1', '-i', fileUrl(clip), '-map', '0:v:0', ...family.args, fileUrl(out)]
}

/** Enough frames to fill the encoders' lookahead (40 at `medium`, and the reorder queue). */
const LOOKAHEAD_FRAMES = 64

/** Arguments to encode the default ladder in one process; ffmpeg then prints its peak memory. */
export function memoryTrialArgs(clip: string): string[] {
  const ladder = DEFAULT_RECIPE.renditions
  const pads = ladder.map((_, at) => `[s${at}]`).join('')
  const scaled = ladder.map(({ box }, at) => `[s${at}]scale=${box.width}:${box.height}[o${at}]`).join(';')
  return [
    '-nostdin', '-hide_banner', '-v', 'info', '-nostats', '-benchmark', ...SAFE, '-threads', '1', '-i', fileUrl(clip),
    '-filter_complex', `[0:v:0]loop=loop=${LOOKAHEAD_FRAMES}:size=1:start=0,split=${ladder.length}${pads};${scaled}`,
    ...ladder.flatMap((rendition, at) => [
      '-map', `[o${at}]`,
      ...codecOf(rendition.codec).encoders[0].encoderArgs({ ...rendition, ...RATE, color: CLIP.color, hdr: {}, threads: 1 }), '-f', 'null', '-',
    ]),
  ] // biome-ignore format: groups
}

/** The renditions in which benchmarks compare codecs, and the options of ffmpeg for them: those of the mesh. Pure. */
import type { EncoderJob } from '../media/codecs/codec.ts'
import { codecOf } from '../media/codecs/codecs.ts'
import { DEFAULT_RECIPE } from '../protocol/recipe.ts'
import type { Rendition } from '../protocol/rendition.ts'
import { FPS } from './footage.ts'

export type Setting = Pick<Rendition, 'codec' | 'preset' | 'bit_depth'> & { readonly crf: number }

/** Presets that people take, and about the quality of libx264 at crf 23. */
export const SETTINGS: readonly Setting[] = [
  { codec: 'h264', preset: 'medium', crf: 23, bit_depth: 8 },
  { codec: 'hevc', preset: 'medium', crf: 26, bit_depth: 8 },
  { codec: 'hevc', preset: 'medium', crf: 26, bit_depth: 10 },
  { codec: 'av1', preset: '8', crf: 34, bit_depth: 8 },
  { codec: 'av1', preset: '8', crf: 34, bit_depth: 10 },
  { codec: 'vp9', preset: '4', crf: 34, bit_depth: 8 },
  { codec: 'vp9', preset: '4', crf: 34, bit_depth: 10 },
]

/** `hevc 10 bit medium`. */
export const nameOf = ({ codec, preset, bit_depth }: Setting): string =>
  `${codec}${bit_depth === 8 ? '' : ` ${bit_depth} bit`} ${preset}`

const UNKNOWN: EncoderJob['color'] = { range: 'unknown', primaries: 'unknown', transfer: 'unknown', space: 'unknown' }

/** The options of one output of the footage, from the pixel format to the keyframes, as the mesh gives them for a chunk. */
export function pictureArgs({ codec, preset, crf, bit_depth }: Setting): string[] {
  const job: EncoderJob = {
    ...{ preset, rate: { crf }, bit_depth, fps: [FPS, 1], b_frames: 3, color: UNKNOWN, hdr: {}, threads: 1 },
  }
  const keyframes = `expr:gte(t,n_forced*${DEFAULT_RECIPE.keyframe_s})`
  const format = bit_depth === 8 ? 'yuv420p' : `yuv420p${bit_depth}le`
  return ['-pix_fmt', format, ...codecOf(codec).encoders[0].encoderArgs(job), '-force_key_frames', keyframes]
}

/** Options that bound the threads of an encoder. */
const BOUND = /^(pools|frame-threads|lp)=/

/** The same with as many threads as the encoder takes by itself. */
export function unbound(args: readonly string[]): string[] {
  const at = args.indexOf('-threads')
  const rest = at < 0 ? args : args.toSpliced(at, 2)
  return rest.map((arg, index) => {
    const isList = /-params$/.test(rest[index - 1] ?? '')
    return isList
      ? arg
          .split(':')
          .filter((each) => !BOUND.test(each))
          .join(':')
      : arg
  })
}

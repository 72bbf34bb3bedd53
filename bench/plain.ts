/** What anybody would run instead of Reelmesh: one plain ffmpeg that makes the same files with the same codec settings. Pure. */
import { join } from 'node:path'
import { renditionsFor } from '../media/ladder.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../protocol/recipe.ts'
import type { Rendition } from '../protocol/rendition.ts'

export interface PlainJob {
  readonly source: string
  /** Of the source, pixels. */
  readonly display: { readonly width: number; readonly height: number }
  readonly renditions: readonly Rendition[]
  readonly preset: string
  /** The files are put here, as `<rendition>.mp4`, or `<rendition>-<name>.mp4`. */
  readonly dir: string
  readonly name?: string
}

/** The arguments, and the files that come of them. Sound is encoded once for each file, as it is for anybody. */
export function plainEncode({ source, display, renditions, preset, dir, name }: PlainJob): {
  args: string[]
  files: string[]
} {
  const ladder = renditionsFor({ display, asked: renditions, upscale: false })
  const split = `[0:v:0]split=${ladder.length}${ladder.map((_, at) => `[s${at}]`).join('')}`
  const scales = ladder.map(({ width, height }, at) => `[s${at}]scale=${width}:${height}:flags=bicubic[o${at}]`)
  const files = ladder.map(({ id }) => join(dir, `${id}${name === undefined ? '' : `-${name}`}.mp4`))
  const { crf } = DEFAULT_ENCODING.rate
  const { keyframe_s, audio_kbps } = DEFAULT_RECIPE
  const quality = ['-preset', preset, '-crf', String(crf)]
  const video = ['-c:v', 'libx264', ...quality, '-bf', '3', '-g', '100000', '-sc_threshold', '0']
  const sound = ['-map', '0:a:0', '-c:a', 'aac', '-b:a', `${2 * audio_kbps}k`]
  const outputs = files.flatMap((file, at) => [
    '-map', `[o${at}]`, ...video, '-force_key_frames', `expr:gte(t,n_forced*${keyframe_s})`, ...sound, '-movflags', '+faststart', file,
  ]) // biome-ignore format: groups
  const input = ['-nostdin', '-v', 'error', '-y', '-i', `file:${source}`]
  return { args: [...input, '-filter_complex', [split, ...scales].join(';'), ...outputs], files }
}

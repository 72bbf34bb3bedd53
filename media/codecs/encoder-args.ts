/** Options of ffmpeg that several encoders share. Pure. */
import type { RateControl } from '../../protocol/rendition.ts'
import { decimal, fraction, integer, plainWord } from '../commands/argument.ts'
import type { EncoderJob } from './codec.ts'

/** The options of a rate control: constant quality or average bit rate, each optionally capped. kb = 1,000 bits. */
export function rateArgs(rate: RateControl): string[] {
  const aim = 'crf' in rate ? ['-crf', decimal(rate.crf)] : ['-b:v', `${decimal(rate.kbps)}k`]
  const { maxrate_kbps, bufsize_kb } = rate
  if (maxrate_kbps === undefined || bufsize_kb === undefined) return aim
  return [...aim, '-maxrate', `${decimal(maxrate_kbps)}k`, '-bufsize', `${decimal(bufsize_kb)}k`]
}

/** The same for libvpx and libaom, where a constant quality needs an average that it may take: none, or that of its cap. */
export function cappedRateArgs(rate: RateControl): string[] {
  if ('kbps' in rate) return rateArgs(rate)
  return [...rateArgs(rate), '-b:v', rate.maxrate_kbps === undefined ? '0' : `${decimal(rate.maxrate_kbps)}k`]
}

/** No keyframes but the forced ones: at 120 fps the encoders' own default of 250 frames would come before 3 s. */
export const GOP_FRAMES = '100000'

/** Options of libx264 and libx265, from `-c:v` to the GOP. */
export function x26xArgs(library: string, { preset, profile, rate, b_frames }: EncoderJob, threads: number): string[] {
  return [
    '-c:v', library, '-preset', plainWord(preset), ...(profile === undefined ? [] : ['-profile:v', plainWord(profile)]), ...rateArgs(rate), '-threads', integer(threads), '-bf', integer(b_frames), '-g', GOP_FRAMES,
  ] // biome-ignore format: groups
}

/** The frame rate as a parameter of libx264 and libx265, whose own guess differs between chunks. */
export const rateParam = ({ fps }: EncoderJob): string => `fps=${fraction(fps, '/')}`

/** The parameters `words`, which make libx264 and libx265 write the colour range also where nothing else is known of the colour. */
export function rangeParam({ color }: EncoderJob, words: string): string {
  const { range, primaries, transfer, space } = color
  return range === 'tv' && [primaries, transfer, space].every((name) => name === 'unknown') ? `:${words}` : ''
}

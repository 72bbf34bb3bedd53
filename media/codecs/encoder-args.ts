/** Options of ffmpeg that several encoders share. Pure. */
import type { RateControl } from '../../protocol/rendition.ts'
import type { EncoderJob } from './codec.ts'

/** Constant quality or an average bit rate, either of them optionally capped. kb = 1,000 bits. */
export function rateArgs(rate: RateControl): string[] {
  const aim = 'crf' in rate ? ['-crf', String(rate.crf)] : ['-b:v', `${rate.kbps}k`]
  const { maxrate_kbps, bufsize_kb } = rate
  if (maxrate_kbps === undefined || bufsize_kb === undefined) return aim
  return [...aim, '-maxrate', `${maxrate_kbps}k`, '-bufsize', `${bufsize_kb}k`]
}

/** No keyframes but the forced ones: at 120 fps the encoders' own default of 250 frames would come before 3 s. */
const GOP_FRAMES = '100000'

/** From `-c:v` to the GOP, as libx264 and libx265 have it. One thread: rate control depends on their number. */
export function x26xArgs(library: string, { preset, rate, b_frames }: EncoderJob): string[] {
  return [
    '-c:v', library, '-preset', preset, ...rateArgs(rate), '-threads', '1', '-bf', String(b_frames), '-g', GOP_FRAMES,
  ] // biome-ignore format: groups
}

/** The frame rate, as the parameter lists of libx264 and libx265 take it. Their own guess differs between chunks. */
export const rateParam = ({ fps }: EncoderJob): string => `fps=${fps[0]}/${fps[1]}`

/** With nothing else to say about colour, libx264 and libx265 leave the range out too: `words` make them say it. */
export function rangeParam({ color }: EncoderJob, words: string): string {
  const { range, primaries, transfer, space } = color
  return range === 'tv' && [primaries, transfer, space].every((name) => name === 'unknown') ? `:${words}` : ''
}

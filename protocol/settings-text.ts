/** The settings of renditions in words, for people. Pure. */
import type { AudioRendition } from './audio-rendition.ts'
import { DEFAULT_RECIPE } from './recipe.ts'
import type { RateControl, Rendition } from './rendition.ts'
import type { PlannedRendition } from './status-encodes.ts'

/** A rate control in words: `crf 23`, `900 kb/s`, `crf 23, at most 4500 kb/s`. */
export function rateText(rate: RateControl): string {
  const aim = 'crf' in rate ? `crf ${rate.crf}` : `${rate.kbps} kb/s`
  return rate.maxrate_kbps === undefined ? aim : `${aim}, at most ${rate.maxrate_kbps} kb/s`
}

/** A codec with its profile, and its bits where they are not 8: `h264 high`, `hevc 10 bit`. */
export const codecText = ({ codec, profile, bit_depth }: Pick<Rendition, 'codec' | 'profile' | 'bit_depth'>): string =>
  [codec, profile, bit_depth === 8 ? undefined : `${bit_depth} bit`].filter(Boolean).join(' ')

/** The encoder of a planned rendition with its settings, short: `x264 high medium crf 23 ≤7800k`. */
export function encodeText({
  encoder,
  preset,
  profile,
  rate,
  bit_depth,
}: Pick<PlannedRendition, 'encoder' | 'preset' | 'profile' | 'rate' | 'bit_depth'>): string {
  const aim = 'crf' in rate ? `crf ${rate.crf}` : `${rate.kbps}k`
  const cap = rate.maxrate_kbps === undefined ? undefined : `≤${rate.maxrate_kbps}k`
  // The word of an encoder of more bits ends with them.
  const depth = bit_depth === 8 || encoder.endsWith(`-${bit_depth}bit`) ? undefined : `${bit_depth} bit`
  return [encoder, profile, depth, preset, aim, cap].filter(Boolean).join(' ')
}

/** Audio renditions in words: `aac 2 channels 128 kb/s`. */
export function audioText(audio: readonly AudioRendition[] | undefined): string {
  if (audio === undefined) return `aac, ${DEFAULT_RECIPE.audio_kbps} kb/s a channel`
  return audio
    .map(({ codec, channels, kbps, languages }) =>
      [
        codec,
        channels !== undefined && (channels === 1 ? 'mono' : channels === 2 ? 'stereo' : `${channels} channels`),
        kbps !== undefined && `${kbps} kb/s`,
        languages && `(${languages.join(', ')})`,
      ]
        .filter(Boolean)
        .join(' '),
    )
    .join('; ')
}

/**
 * What a person asks for, as data: the ladder, the codec settings and the packaging. Name, priority, deadline and
 * deliveries are not part of it: they may change without changing a byte of the result.
 */
import { RESOLUTIONS, type Resolution } from './ids.ts'
import { KEYFRAME_S } from './limits.ts'

export const PRESETS = [
  'ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow',
] as const // biome-ignore format: a list of words
export type Preset = (typeof PRESETS)[number]

export interface Recipe {
  readonly version: 1
  /** Rungs asked for, lowest first, no rung twice. */
  readonly renditions: readonly Resolution[]
  readonly codec: 'h264' | 'hevc'
  readonly preset: Preset
  /** Constant rate factor, 0–51. */
  readonly crf: number
  /** Make rungs larger than the source too. */
  readonly upscale: boolean
  /** Seconds between forced keyframes. */
  readonly keyframe_s: number
  /** Audio bit rate for each channel, kb/s. */
  readonly audio_kbps: number
  readonly packaging: 'mp4'
}

export const DEFAULT_RECIPE: Recipe = {
  version: 1,
  renditions: RESOLUTIONS,
  codec: 'h264',
  preset: 'medium',
  crf: 23,
  upscale: false,
  keyframe_s: KEYFRAME_S,
  audio_kbps: 64,
  packaging: 'mp4',
}

/** The recipe as one string that is equal for equal recipes: keys in a fixed order, rungs lowest first. */
export function canonicalRecipe(recipe: Recipe): string {
  const renditions = RESOLUTIONS.filter((rung) => recipe.renditions.includes(rung))
  const { version, codec, preset, crf, upscale, keyframe_s, audio_kbps, packaging } = recipe
  return JSON.stringify({ version, renditions, codec, preset, crf, upscale, keyframe_s, audio_kbps, packaging })
}

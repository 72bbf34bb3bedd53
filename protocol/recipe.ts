/**
 * What a person asks for, as data: the renditions and the packaging. Name, priority, deadline and deliveries are not part of it:
 * they may change without changing a byte of the result.
 */
import { z } from 'zod'
import { PACKAGINGS, type Packaging } from './artifact.ts'
import { type AudioRendition, audioRenditionsSchema } from './audio-rendition.ts'
import type { BlobRef } from './blobs.ts'
import type { Sha256 } from './ids.ts'
import { KEYFRAME_S } from './limits.ts'
import { type PackageRecipe, packageSchema, shownPackageSchema } from './package.ts'
import { boxOfHeight, bySize, heightOf, RENDITIONS_MAX, type Rendition, renditionSchema } from './rendition.ts'

/** Presets of libx264 and libx265, fastest first. */
export const PRESETS = [
  'ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow',
] as const // biome-ignore format: a list of words
/** One of `PRESETS`. */
export type Preset = (typeof PRESETS)[number]

/** A file of text subtitles that was submitted with the source. Its bytes are a blob of the video, held by those who hold the source. */
export interface SubtitleFile extends BlobRef {
  /** The name of the file without its ending, for people. */
  readonly name: string
  /** The tag of its language; '' where it is unknown. */
  readonly language: string
  readonly forced: boolean
  readonly hearing_impaired: boolean
}

/** The renditions and packaging that a person wants of one source. */
export interface Recipe {
  readonly version: 2
  /** Sorted by the size of the box; ids are unique. */
  readonly renditions: readonly Rendition[]
  /** Whether to make renditions that are larger than the source. */
  readonly upscale: boolean
  /** Seconds between forced keyframes. */
  readonly keyframe_s: number
  /** Audio bit rate for each channel, kb/s: of tracks whose audio rendition gives none. */
  readonly audio_kbps: number
  /** How the sound is encoded. Absent: every track as AAC with its own channels. */
  readonly audio?: readonly AudioRendition[] | undefined
  readonly packaging: Packaging
  /** The streaming package that is made; absent: none. */
  readonly package?: PackageRecipe | undefined
  /** Subtitles that come along; absent where there are none. */
  readonly subtitles?: readonly SubtitleFile[]
  /** Whether a source that was cut off is refused. Absent: it is encoded as far as it goes, with a note. */
  readonly strict?: true | undefined
}

/** Heights of the default ladder, pixels. */
export const DEFAULT_HEIGHTS = [480, 720, 1080] as const
/** Codec, rate control, preset and bits per sample of a rendition that was given as a height only. */
export const DEFAULT_ENCODING = { codec: 'h264', rate: { crf: 23 }, preset: 'medium', bit_depth: 8 } as const

/** A ladder of 16:9 boxes of these heights (pixels) with one encoding. Ids are `480p` and so on. */
export const ladderOf = (
  heights: readonly number[],
  encoding: Omit<Rendition, 'id' | 'box'> = DEFAULT_ENCODING,
): Rendition[] =>
  [...new Set(heights)].map((height) => ({ id: `${height}p`, box: boxOfHeight(height), ...encoding })).sort(bySize)

/** The ids of the default ladder. */
export const DEFAULT_NAMES = DEFAULT_HEIGHTS.map((height) => `${height}p`)

/** The recipe of a submit that sets nothing. */
export const DEFAULT_RECIPE: Recipe = {
  version: 2,
  renditions: ladderOf(DEFAULT_HEIGHTS),
  upscale: false,
  keyframe_s: KEYFRAME_S,
  audio_kbps: 64,
  packaging: 'mp4',
}

/** `720p` stands for that rendition of the default encoding. */
const shortName = z
  .string()
  .refine((name) => heightOf(name) !== null, 'is neither a rendition nor a number of lines, such as 720p')
  .transform((name) => ladderOf([heightOf(name) ?? 0])[0] as Rendition)

/** The recipe as a person or a program may give it; fields that are left out are those of `DEFAULT_RECIPE`. */
export const recipeSchema = z
  .strictObject({
    version: z.literal(2).default(2),
    renditions: z
      .array(z.union([shortName, renditionSchema]))
      .min(1)
      .max(RENDITIONS_MAX)
      .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'two renditions have the same id')
      .transform((all) => [...all].sort(bySize))
      .default([...DEFAULT_RECIPE.renditions])
      .describe('renditions, or names such as `720p` for that rendition of the default encoding'),
    upscale: z
      .boolean()
      .default(DEFAULT_RECIPE.upscale)
      .describe('whether renditions larger than the source are made too'),
    keyframe_s: z
      .number()
      .min(0.5)
      .max(10)
      .default(DEFAULT_RECIPE.keyframe_s)
      .describe('seconds between forced keyframes'),
    audio_kbps: z
      .number()
      .int()
      .min(16)
      .max(256)
      .default(DEFAULT_RECIPE.audio_kbps)
      .describe('audio bit rate for each channel, kb/s'),
    audio: audioRenditionsSchema.optional().describe('how the sound is encoded; absent: every track as AAC'),
    packaging: z.enum(PACKAGINGS).default(DEFAULT_RECIPE.packaging).describe('container of the results'),
    package: packageSchema.optional().describe('the streaming package that is made; absent: none'),
    strict: z.literal(true).optional().describe('whether a source that was cut off is refused'),
  })
  .meta({ id: 'Recipe', description: 'What is wanted of a source. What is left out is that of the default ladder.' })

/** A recipe as the API shows it. */
export const shownRecipeSchema = z.object({
  version: z.literal(2).describe('version of this form'),
  renditions: z.array(renditionSchema).readonly().describe('smallest box first'),
  upscale: z.boolean().describe('whether renditions larger than the source are made too'),
  keyframe_s: z.number().describe('seconds between forced keyframes'),
  audio_kbps: z.number().describe('audio bit rate for each channel, kb/s'),
  audio: audioRenditionsSchema.optional().describe('how the sound is encoded; absent: every track as AAC'),
  packaging: z.enum(PACKAGINGS).describe('container of the results'),
  package: shownPackageSchema.optional().describe('the streaming package that is made; absent: none'),
  subtitles: z
    .array(
      z.object({
        name: z.string().describe('of its file'),
        language: z.string().describe('its tag; `` where it is unknown'),
        forced: z.boolean().describe('whether players show it without being asked'),
        hearing_impaired: z.boolean().describe('whether it is for people who cannot hear'),
        sha256: z.string().describe('of its content: 64 hex digits') as unknown as z.ZodType<Sha256, Sha256>,
        bytes: z.number().describe('its size'),
      }),
    )
    .readonly()
    .optional()
    .describe('files of subtitles that were submitted with the source'),
  strict: z.literal(true).optional().describe('whether a source that was cut off is refused'),
})

/** The recipe as one string that is equal for equal recipes: keys in a fixed order, the smallest box first. */
export function canonicalRecipe(recipe: Recipe): string {
  const { version, upscale, keyframe_s, audio_kbps, packaging, package: streaming, strict } = recipe
  const renditions = [...recipe.renditions].sort(bySize).map(({ id, box, codec, rate, preset, bit_depth, profile }) => {
    const { maxrate_kbps, bufsize_kb } = rate
    const aim = 'crf' in rate ? { crf: rate.crf } : { kbps: rate.kbps }
    const ordered = { ...aim, maxrate_kbps, bufsize_kb }
    return { id, box: { width: box.width, height: box.height }, codec, rate: ordered, preset, bit_depth, profile }
  })
  const subtitles = recipe.subtitles?.map(({ sha256, language, forced, hearing_impaired }) => ({
    sha256, language, forced, hearing_impaired,
  })) // biome-ignore format: groups
  const shown = streaming && {
    formats: [...streaming.formats].sort(),
    url_prefix: streaming.url_prefix,
    only: streaming.only,
    segments: streaming.segments,
    key: streaming.key && { sha256: streaming.key.sha256, url: streaming.key.url },
  }
  const audio = recipe.audio?.map(({ codec, channels, kbps, languages }) => ({ codec, channels, kbps, languages }))
  return JSON.stringify({
    version,
    renditions,
    upscale,
    keyframe_s,
    audio_kbps,
    audio,
    packaging,
    package: shown,
    subtitles,
    strict,
  })
}

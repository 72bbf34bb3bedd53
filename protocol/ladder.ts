/**
 * A ladder: what a video is made into, as data that people write (docs/ladders.md). In a file it is flatter than in a recipe: a box is
 * `1280x720`, and the rate control stands beside the rest. Keyframes are those of the whole ladder: players switch between renditions only
 * where all of them have one.
 */
import { z } from 'zod'
import { type AudioRendition, audioRenditionsSchema } from './audio-rendition.ts'
import { KEYFRAME_S, PICTURE_SIDE_MAX } from './limits.ts'
import { DEFAULT_RECIPE, type Recipe } from './recipe.ts'
import {
  bySize,
  isRenditionId,
  type RateControl,
  RENDITIONS_MAX,
  type Rendition,
  renditionSchema,
} from './rendition.ts'

/** The renditions that a video is made into, with one sentence for people. */
export interface Ladder {
  readonly description: string
  /** Seconds between forced keyframes, which all renditions have at the same times. */
  readonly keyframe_s: number
  /** Sorted by the size of the box; ids are unique. */
  readonly renditions: readonly Rendition[]
  /** As in a recipe. */
  readonly audio?: readonly AudioRendition[] | undefined
}

/** Least side of a box, pixels. */
const SIDE_MIN = 16

const kb = z.number().positive()
const boxSchema = z
  .string()
  .regex(/^\d{1,5}x\d{1,5}$/, 'must be WIDTHxHEIGHT, such as 1280x720')
  .transform((text) => text.split('x').map(Number) as [number, number])
  .refine((sides) => sides.every((side) => side % 2 === 0), 'must have even sides, as the pictures of 4:2:0 have')
  .refine(
    (sides) => sides.every((side) => side >= SIDE_MIN && side <= PICTURE_SIDE_MAX),
    `must have sides from ${SIDE_MIN} to ${PICTURE_SIDE_MAX}`,
  )
  .transform(([width, height]) => ({ width, height }))

/** A word that YAML may read as a number. */
const word = z.union([z.string(), z.number().transform(String)], 'must be a word or a number')

/** The keys of a rendition in a ladder file. */
export const ladderRenditionFields = z.strictObject({
  id: z
    .string()
    .refine(isRenditionId, 'must be 1 to 32 of a-z, 0-9, "." and "-", and neither a task kind nor "all"')
    .describe('names it in paths and tasks: 1 to 32 of a-z, 0-9, "." and "-"; unique in the ladder'),
  box: boxSchema.describe(
    '`1280x720`: pixels, even, of a landscape picture, which is fitted into it; it turns for portrait ones',
  ),
  codec: z.string().describe('`h264`, `hevc`, `av1` …: those that `reelmesh doctor` lists'),
  crf: z.number().min(0).optional().describe('constant quality, lower is better; this or `kbps`'),
  kbps: kb.optional().describe('average bit rate; kb = 1,000 bits'),
  maxrate_kbps: kb.optional().describe('cap of the bit rate, with `bufsize_kb`'),
  bufsize_kb: kb.optional().describe('buffer over which the cap holds: one as large as the cap is a second'),
  preset: word.describe("a preset of the codec's encoder: slower is smaller"),
  profile: word.optional().describe("a profile of the codec, such as `main` or `high`; else the encoder's own choice"),
  bit_depth: z
    .union([z.literal(8), z.literal(10)], 'must be 8 or 10')
    .default(8)
    .describe('bits per sample'),
})

/** A rendition as a ladder file has it. */
export const ladderRenditionSchema = ladderRenditionFields
  .superRefine(({ crf, kbps, maxrate_kbps, bufsize_kb }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (crf === undefined && kbps === undefined) refuse([], 'needs crf or kbps')
    if (crf !== undefined && kbps !== undefined) refuse(['kbps'], 'cannot stand beside crf: use one of them')
    if (maxrate_kbps !== undefined && bufsize_kb === undefined) refuse(['maxrate_kbps'], 'needs bufsize_kb beside it')
    if (bufsize_kb !== undefined && maxrate_kbps === undefined) refuse(['bufsize_kb'], 'needs maxrate_kbps beside it')
  })
  .transform(({ crf, kbps, maxrate_kbps, bufsize_kb, profile, ...rest }): Rendition => {
    const cap = maxrate_kbps === undefined ? {} : { maxrate_kbps, bufsize_kb }
    const rate: RateControl = crf === undefined ? { kbps: kbps!, ...cap } : { crf, ...cap }
    return { ...rest, rate, ...(profile !== undefined && { profile }) }
  })
  .meta({ id: 'LadderRendition', description: 'One encoding of the picture.' })

/** A ladder as people write it, in YAML or JSON. */
export const ladderSchema = z
  .strictObject({
    description: z.string().max(200).default('').describe('what it is for, in one sentence'),
    keyframe_s: z
      .number()
      .min(0.5)
      .max(10)
      .default(KEYFRAME_S)
      .describe('seconds between keyframes, at the same times in every rendition'),
    renditions: z
      .array(ladderRenditionSchema)
      .min(1)
      .max(RENDITIONS_MAX)
      .superRefine((all, context) => {
        const at = all.findIndex(({ id }, n) => all.findIndex((other) => other.id === id) < n)
        if (at >= 0)
          context.addIssue({
            code: 'custom',
            path: [at, 'id'],
            message: 'is that of another rendition: ids are unique',
          })
      })
      .transform((all) => [...all].sort(bySize))
      .describe('what is made of the picture'),
    audio: audioRenditionsSchema.optional().describe('how the sound is encoded; absent: every track as AAC'),
  })
  .meta({ id: 'Ladder', description: 'What a video is made into.' })

/** A ladder that a node knows by name, as the API shows it. */
export const namedLadderSchema = z
  .object({
    name: z.string().describe('its name'),
    built_in: z.boolean().describe('whether it is built in; else it is in the configuration of the node'),
    description: z.string().describe('what it is for'),
    keyframe_s: z.number().describe('seconds between keyframes, at the same times in every rendition'),
    renditions: z.array(renditionSchema).readonly().describe('smallest box first'),
    audio: audioRenditionsSchema.optional().describe('how the sound is encoded; absent: every track as AAC'),
  })
  .meta({ id: 'NamedLadder', description: 'What a video can be made into, by name.' })

/** A ladder that a node knows by name. */
export type NamedLadder = z.infer<typeof namedLadderSchema>

/** A ladder as it is written, before defaults. */
export type LadderText = z.input<typeof ladderSchema>

/** A ladder as people would write it. */
export const textOf = ({ description, keyframe_s, renditions, audio }: Ladder): LadderText => ({
  description,
  keyframe_s,
  renditions: renditions.map(({ id, box, codec, rate, preset, profile, bit_depth }) => ({
    id,
    box: `${box.width}x${box.height}`,
    codec,
    ...rate,
    preset,
    ...(profile !== undefined && { profile }),
    bit_depth,
  })),
  ...(audio && { audio: [...audio] }),
})

/** The recipe of a ladder; what a ladder leaves open is that of `recipe`. */
export const recipeOf = ({ renditions, keyframe_s, audio }: Ladder, recipe: Recipe = DEFAULT_RECIPE): Recipe => ({
  ...recipe,
  renditions,
  keyframe_s,
  ...(audio && { audio }),
})

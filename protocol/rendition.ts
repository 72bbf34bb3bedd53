/**
 * A rendition: one encoding of the picture, as a document of the recipe. Its id names it everywhere: in task ids, classes, paths
 * and status. Two renditions may have one box and differ in the codec.
 */
import { z } from 'zod'
import { isPartName } from './ids.ts'
import { isKind } from './kinds.ts'
import { PICTURE_SIDE_MAX } from './limits.ts'

/** Id of a rendition, such as `1080p` or `1080p-av1`: a part name (ids.ts), and no task kind. The task's field `resolution` holds it. */
export type RenditionId = string

/** A size in pixels, into which the picture is fitted: of a landscape picture; for a portrait one width and height change places. */
export interface Box {
  readonly width: number
  readonly height: number
}

/** Constant quality, optionally capped; or an average bit rate. kb = 1,000 bits. */
export type RateControl =
  | { readonly crf: number; readonly maxrate_kbps?: number | undefined; readonly bufsize_kb?: number | undefined }
  | { readonly kbps: number; readonly maxrate_kbps?: number | undefined; readonly bufsize_kb?: number | undefined }

/** One encoding of the picture. */
export interface Rendition {
  readonly id: RenditionId
  readonly box: Box
  /** Name of a codec, such as `h264`; `media/codecs/` says which there are. */
  readonly codec: string
  readonly rate: RateControl
  /** A preset of the codec's encoder. */
  readonly preset: string
  /** Bits per sample of the output. */
  readonly bit_depth: 8 | 10
  /** A profile of the codec, such as `main` or `high`; absent: the encoder's own choice. */
  readonly profile?: string | undefined
}

/** Whether a text may be the id of a rendition. `all` may not: it stands for every rendition in a peer's settings. */
export const isRenditionId = (text: string): text is RenditionId => isPartName(text) && !isKind(text) && text !== 'all'

/** Largest number of renditions of a video: a rank is `chunk × RENDITIONS_MAX + position of the rendition`. */
export const RENDITIONS_MAX = 64

const capped = { maxrate_kbps: z.number().positive().optional(), bufsize_kb: z.number().positive().optional() }
const rateSchema = z
  .union([
    z.strictObject({ crf: z.number().min(0).max(63), ...capped }),
    z.strictObject({ kbps: z.number().positive(), ...capped }),
  ])
  .refine(({ maxrate_kbps, bufsize_kb }) => (maxrate_kbps === undefined) === (bufsize_kb === undefined), {
    message: 'maxrate_kbps and bufsize_kb go together',
  })

const side = z.number().int().min(16).max(PICTURE_SIDE_MAX).describe('pixels')

/** A rendition as people and programs may give it. What a codec cannot do is refused by the planner, which knows the codecs. */
export const renditionSchema = z
  .strictObject({
    id: z
      .string()
      .refine(isRenditionId, 'must be 1 to 32 of a-z, 0-9, "." and "-", and neither a task kind nor "all"')
      .describe('names it in paths and tasks: 1 to 32 of a-z, 0-9, "." and "-"'),
    box: z
      .strictObject({ width: side, height: side })
      .describe('pixels, of a landscape picture: the picture is fitted into it; it turns for portrait ones'),
    codec: z
      .string()
      .regex(/^[a-z0-9]{1,16}$/)
      .describe('such as `h264`, `hevc`, `av1` or `vp9`'),
    rate: rateSchema.describe(
      'constant quality (`crf`) or an average bit rate (`kbps`), either capped or not; kb = 1,000 bits',
    ),
    preset: z.string().min(1).max(32).describe("a preset of the codec's encoder"),
    bit_depth: z.union([z.literal(8), z.literal(10)]).describe('of the output'),
    profile: z
      .string()
      .regex(/^[a-z0-9]{1,16}$/)
      .optional()
      .describe("a profile of the codec, such as `main` or `high`; absent: the encoder's own choice"),
  })
  .meta({ id: 'Rendition', description: 'One encoding of the picture.' })

/** The 16:9 box of a height in pixels: 854×480, 1280×720, 1920×1080. */
export const boxOfHeight = (height: number): Box => ({ width: 2 * Math.round((height * 8) / 9), height })

/** The height, pixels, of a short name: 480 for `480p`; null for another text. */
export function heightOf(name: string): number | null {
  const height = Number(/^([1-9]\d{1,3})p$/.exec(name)?.[1] ?? Number.NaN)
  return height >= 16 && height <= 8_640 ? height : null
}

const pixels = ({ box }: Pick<Rendition, 'box'>): number => box.width * box.height

/** Compares for `sort`: a negative number where `a` has the smaller box, or the same size and the lower id. */
export const bySize = (a: Pick<Rendition, 'box' | 'id'>, b: Pick<Rendition, 'box' | 'id'>): number =>
  pixels(a) - pixels(b) || (a.id < b.id ? -1 : 1)

/** What of a status is about encodes: what a peer can run, and how fast; the renditions of a video as they are made. */
import { z } from 'zod'
import type { RenditionId } from './rendition.ts'
import { renditionSchema } from './rendition.ts'
import { named } from './status-waiting.ts'

/** Fields of a peer. */
export const abilityFields = {
  encoders: z
    .array(z.string())
    .readonly()
    .describe('encoders that passed its trial runs, such as `x264`, with the build family where bytes depend on it'),
  decoders: z.number().describe('number of codecs that it decodes'),
  speeds: z
    .record(z.string(), z.number())
    .describe(
      'seconds of a slot that it takes for a source second of a rendition of cost 1, by encoder and preset (`svtav1/8`), as measured in its encodes',
    ),
}

const { codec, preset, rate, bit_depth, profile } = renditionSchema.shape

/** A rendition as a video is made into it. */
export const plannedRenditionSchema = z
  .object({
    id: named<RenditionId>('its id, which its path begins with'),
    width: z.number().describe('pixels of its picture'),
    height: z.number().describe('pixels of its picture'),
    codec,
    encoder: z.string().describe('the encoder, with its build family where bytes depend on it, such as `x265-199`'),
    preset,
    rate,
    bit_depth,
    profile,
    bytes: z.number().nullable().describe('size of the file; null until it is made'),
    kbps: z.number().nullable().describe('average bit rate of the file, with its sound, kb/s; null until it is made'),
  })
  .meta({ id: 'PlannedRendition', description: 'One rendition as it is made of the source.' })

/** A rendition as a video is made into it. */
export type PlannedRendition = z.infer<typeof plannedRenditionSchema>

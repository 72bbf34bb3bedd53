/** What of a status is about encoders: what a peer can run, and how fast. */
import { z } from 'zod'

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
      'seconds of a slot that it takes for a source second of a rendition of cost 1, by `<codec>/<preset>`, as measured in its encodes',
    ),
}

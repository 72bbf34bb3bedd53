/** The audits of a video as `status` shows them. */
import { z } from 'zod'

/** Numbers of audits, and of what they found. */
export const auditsSchema = z
  .object({
    open: z.number().describe('audits that wait or run'),
    done: z.number().describe('audits that gave a result'),
    differed: z.number().describe('results with another stream than their audit, among the newest events'),
    unsettled: z.number().describe('of these, the ones that no third peer could decide'),
    skipped: z.number().describe('results that were used without their chosen audit, among the newest events'),
  })
  .meta({ id: 'Audits', description: 'Encodes of chunks of the video by a second peer, for comparison.' })

/** What `status` says of shared folders that are not what they should be, as a schema. */
import { z } from 'zod'
import type { VideoId } from './ids.ts'
import { named, peerId } from './status-waiting.ts'

/** A shared folder, or a source in one, that is not what it should be. */
export const problemSchema = z
  .object({
    peers: z.array(peerId).readonly().describe('the peers that it concerns'),
    video: named<VideoId>('id of a video: 16 hex digits')
      .nullable()
      .describe('the video whose source it is; null where it is a whole folder'),
    text: z.string().describe('the sentence for people: where, what, and what would help'),
  })
  .meta({ id: 'Problem', description: 'A shared folder, or a source in one, that is not what it should be.' })

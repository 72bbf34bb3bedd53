/** A task as the API shows it, as a schema. */
import { z } from 'zod'
import type { TaskId } from './ids.ts'
import type { KindName } from './kinds.ts'
import type { RenditionId } from './rendition.ts'
import { milliseconds, named, peerId } from './status-waiting.ts'
import { TASK_STATUSES } from './task.ts'

/** One task of a video. */
export const taskRowSchema = z
  .object({
    id: named<TaskId>('`<video>/<rendition or kind>/<chunk>`'),
    kind: named<KindName>('such as `video` or `merge`'),
    resolution: named<RenditionId | KindName>('id of a rendition for `video` tasks, else the kind'),
    chunk: z.number().describe('number of the chunk, from 0; 0 for a task of the whole video'),
    status: z.enum(TASK_STATUSES).describe('where it stands'),
    frames: z.number().describe('frames of the source that it takes in'),
    encode: z
      .string()
      .nullable()
      .describe('encoder and settings of a `video` task for people, such as `x264 medium crf 23`; null for others'),
    worker: peerId.nullable().describe('the worker of the newest, then of the committed attempt'),
    attempt: z.number().describe('number of the newest attempt; 0 before the first'),
    completed_attempt: z.number().nullable().describe('number of the attempt that was committed'),
    started_at: milliseconds('when the newest attempt began').nullable(),
    ended_at: milliseconds('when it was completed').nullable(),
    claims: z
      .array(
        z.object({
          attempt: z.number().describe('its number'),
          worker: peerId,
          backup: z.boolean().describe('whether it is a backup attempt'),
          expires_at: milliseconds('when the claim runs out unless it is renewed'),
        }),
      )
      .readonly()
      .describe('attempts that run'),
    failures: z
      .array(
        z.object({
          attempt: z.number().describe('its number'),
          worker: peerId,
          code: z.string().describe('such as `encode_failed`'),
          message: z.string().describe('one sentence'),
          at: milliseconds('when'),
        }),
      )
      .readonly()
      .describe('attempts that failed'),
    reclaims: z.number().describe('attempts that were ended because their worker had failed'),
    backup: z
      .enum(['running', 'won', 'lost'])
      .nullable()
      .describe(
        'of a task with a backup attempt: whether it runs, was completed first, or was not; null without one, and where the result was lost since',
      ),
  })
  .meta({ id: 'Task', description: 'One task of a video: one chunk at one rendition, or one step of the whole video.' })

/** One task as the API shows it. */
export type TaskRow = z.infer<typeof taskRowSchema>

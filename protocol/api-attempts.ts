/** The attempts at the tasks of a video, and the logs of those that failed, in the HTTP API. */
import { z } from 'zod'
import { json, problem, refused, video } from './api-answers.ts'
import { cursor, limit, next } from './api-pages.ts'
import type { Sha256, TaskId } from './ids.ts'
import type { KindName } from './kinds.ts'
import type { RenditionId } from './rendition.ts'
import { milliseconds, named, peerId } from './status-waiting.ts'

/** Number of attempts of a page: where none is asked for, and at most. */
const PAGE_ATTEMPTS = { usual: 100, most: 500 } as const
const CURSOR = /^(\d{1,9})-(\d{1,9})-([\w/-]{1,200})$/

/** How an attempt ended. */
const ENDS = ['running', 'completed', 'failed', 'reclaimed', 'dropped'] as const

const attemptRowSchema = z
  .object({
    task: named<TaskId>('`<video>/<rendition or kind>/<chunk>`'),
    kind: named<KindName>('such as `video` or `merge`'),
    resolution: named<RenditionId | KindName>('id of a rendition for `video` tasks, else the kind'),
    chunk: z.number().describe('number of the chunk, from 0; 0 for a task of the whole video'),
    attempt: z.number().describe('its number: from 1, in the order in which they began'),
    peer: peerId.nullable().describe('the worker; null where the ledger does not hold it any more'),
    backup: z
      .boolean()
      .nullable()
      .describe('whether it is a backup attempt; null where the ledger does not hold it any more'),
    encode: z
      .string()
      .nullable()
      .describe('encoder and settings of a `video` task, such as `x264 medium crf 23`; null for others'),
    started_at: milliseconds('when it began; known of the newest one').nullable(),
    ended_at: milliseconds('when it was completed or failed').nullable(),
    end: z
      .enum(ENDS)
      .describe(
        '`reclaimed`: its worker failed, and the leader ended it; `dropped`: its worker released it or left, another attempt was completed first, or its result was lost since',
      ),
    cause: z.string().nullable().describe('of a failed or reclaimed one, such as `encode_failed` or `peer_died`'),
    message: z.string().nullable().describe("of a failed one: a sentence with ffmpeg's last line"),
    log: named<Sha256>(
      "of a failed one: the name of the end of ffmpeg's log, for `/v1/videos/{id}/logs/{sha256}`",
    ).nullable(),
  })
  .meta({
    id: 'Attempt',
    description:
      'One attempt at a task. The ledger holds the newest five failures of each task, and of others their number: what it does not hold is null.',
  })

/** One attempt as the API shows it. */
export type AttemptRow = z.infer<typeof attemptRowSchema>

const attemptsQuerySchema = z.strictObject({
  task: z.string().max(200).optional().describe('only those at this task, by its `id`'),
  limit: limit(PAGE_ATTEMPTS, 'attempts'),
  cursor: cursor(CURSOR),
})

/** What a page of attempts is asked by. */
export type AttemptsQuery = z.output<typeof attemptsQuerySchema>

const attemptPageSchema = z
  .object({
    attempts: z.array(attemptRowSchema).readonly().describe('by the order of claims of their tasks, then by number'),
    next,
  })
  .meta({ id: 'AttemptPage', description: 'Some attempts at the tasks of a video.' })

/** A page of attempts. */
export type AttemptPage = z.infer<typeof attemptPageSchema>

/** The place of an attempt in the order of pages. */
export interface AttemptPlace {
  /** Position of its task among those of the video. */
  readonly rank: number
  readonly task: string
  /** Number of the attempt. */
  readonly attempt: number
}

/** The place that a cursor names; null for the start. */
export function attemptPlaceIn(cursor: string | undefined): AttemptPlace | null {
  const [, rank, attempt, task] = CURSOR.exec(cursor ?? '') ?? []
  return task === undefined ? null : { rank: Number(rank), attempt: Number(attempt), task }
}

/** The cursor of what follows this attempt. */
export const cursorAfterAttempt = ({ rank, attempt, task }: AttemptPlace): string => `${rank}-${attempt}-${task}`

/** The route of attempts, in the form of OpenAPI. */
export const ATTEMPT_ROUTES = {
  attempts: {
    operationId: 'attempts',
    method: 'get',
    path: '/v1/videos/{id}/attempts',
    summary: 'The attempts at the tasks of a video, page by page: who ran them, and how they ended',
    request: { params: video, query: attemptsQuerySchema },
    responses: {
      200: json(attemptPageSchema, 'a page'),
      404: problem('there is no such video'),
      ...refused,
    },
  },
} as const

/** The route of logs, in the form of OpenAPI. */
export const LOG_ROUTE = {
  operationId: 'log',
  method: 'get',
  path: '/v1/videos/{id}/logs/{sha256}',
  summary: "The end of ffmpeg's log of a failed attempt, at most 64 KiB, from whichever peer holds it",
  request: { params: video.extend({ sha256: z.string().describe('`log` of the attempt: 64 hex digits') }) },
  responses: {
    200: { content: { 'text/plain': { schema: z.string() } }, description: 'the log' },
    404: problem(
      'there is no such video or log, or nobody has it any more: logs are removed with the intermediates of a video',
    ),
    ...refused,
    503: problem('the ledger does not answer, or the peer that has the log does not'),
  },
} as const

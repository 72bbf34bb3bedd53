/** The events of the HTTP API: page by page, and live as server-sent events. */
import { z } from 'zod'
import { json, problem, refused, videoId } from './api-answers.ts'
import { limit, next, time } from './api-pages.ts'
import { EVENTS } from './events.ts'
import type { VideoId } from './ids.ts'
import type { EventQuery } from './ledger-event.ts'
import { eventSchema } from './status.ts'

/** Number of events of a page: where none is asked for, and at most. */
const PAGE_EVENTS = { usual: 50, most: 500 } as const
const NUMBER = /^\d{1,15}$/
const CODES = Object.keys(EVENTS)

const number = (description: string) =>
  z.string().regex(NUMBER, 'give the number of an event').transform(Number).optional().describe(description)

const filters = {
  video: videoId.optional().describe('only those of this video') as unknown as z.ZodType<
    VideoId | undefined,
    string | undefined
  >,
  what: z
    .string()
    .refine((codes) => unknownIn(codes) === undefined, {
      error: ({ input }) => `${JSON.stringify(unknownIn(String(input)))} is no event: give some of ${CODES.join(', ')}`,
    })
    .transform((codes) => [...new Set(codes.split(','))])
    .optional()
    .describe('only those of these codes, separated by commas; the refusal of another one lists all'),
}

/** The first text in a list that is no code of an event which this version knows, as far as people need to see it. */
function unknownIn(codes: string): string | undefined {
  return codes
    .split(',')
    .find((code) => !CODES.includes(code))
    ?.slice(0, 64)
}

const pageQuerySchema = z.strictObject({
  ...filters,
  since: time('only events of then or later, ms since 1970'),
  until: time('only events before, ms since 1970'),
  limit: limit(PAGE_EVENTS, 'events'),
  cursor: number('`next` of the page before'),
})

/** What a page of events is asked by. */
export type EventPageQuery = z.output<typeof pageQuerySchema>

/** The parameters of the stream of events. */
export const streamQuerySchema = z.strictObject({
  ...filters,
  last_event_id: number('as the header `Last-Event-ID`, which counts where both are given'),
})

/** What of the events a reader of the stream wants. */
export type EventFilter = Pick<EventQuery, 'video' | 'what'>

/** The header of a client that comes back; absent: none, or an empty one. */
export const streamHeadersSchema = z.object({
  'last-event-id': number('number of the last event that the client has: the stream begins behind it'),
})

const pageSchema = z
  .object({
    events: z.array(eventSchema).readonly().describe('newest first'),
    next,
  })
  .meta({ id: 'EventPage', description: 'Some events, newest first. The newest 20,000 are kept.' })

/** A page of events. */
export type EventPage = z.infer<typeof pageSchema>

/** An event as the API shows it. */
export type ApiEvent = z.infer<typeof eventSchema>

/** What a stream says of events that are no longer kept: those after the first number and before the second are not sent. */
export interface EventGap {
  /** Number of the last event before the gap. */
  readonly after: number
  /** Number of the first event behind it. */
  readonly next: number
}

/** The routes of events that answer JSON, in the form of OpenAPI. */
export const EVENT_ROUTES = {
  events: {
    operationId: 'events',
    method: 'get',
    path: '/v1/events',
    summary: 'What happened in the mesh, newest first, page by page',
    request: { query: pageQuerySchema },
    responses: {
      200: json(pageSchema, 'a page'),
      400: problem('a parameter is wrong: `field` says which'),
      ...refused,
    },
  },
} as const

/** The route of the stream, in the form of OpenAPI. */
export const EVENT_STREAM_ROUTE = {
  operationId: 'eventStream',
  method: 'get',
  path: '/v1/events/stream',
  summary:
    'The events of the mesh as they happen, as server-sent events: `id` is the number, `data` the event. On any node a client goes on behind its `Last-Event-ID`',
  request: { query: streamQuerySchema, headers: streamHeadersSchema },
  responses: {
    200: {
      content: { 'text/event-stream': { schema: z.string() } },
      description:
        'the events from now on, or behind `Last-Event-ID`, each with the fields of `Event`. An event `gap` with the data `{after, next}` says that those between are no longer kept',
    },
    400: problem('a parameter is wrong: `field` says which'),
    500: refused[500],
    503: problem('the ledger does not answer, or too many follow the events here: come again after `Retry-After`'),
  },
} as const

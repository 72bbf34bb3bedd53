/** Webhook deliveries in the HTTP API: page by page, and sent again. Nothing here shows a secret: of an endpoint the query is left out. */
import { z } from 'zod'
import { json, problem, refused } from './api-answers.ts'
import { cursor, limit, next } from './api-pages.ts'
import type { VideoId } from './ids.ts'
import { milliseconds, named } from './status-waiting.ts'
import { WEBHOOK_STATES, type WebhookDelivery } from './webhook-delivery.ts'
import { endpointText } from './webhook-url.ts'

/** Number of deliveries of a page: where none is asked for, and at most. */
const PAGE_WEBHOOKS = { usual: 50, most: 500 } as const
const CURSOR = /^\d{1,15}-[0-9a-f]{16}$/

/** One delivery as API and command line show it. */
export const webhookRowSchema = z
  .object({
    id: z.string().describe('what the endpoint knows it by: the header `webhook-id` of every attempt'),
    type: z.string().describe('what it says, such as `video.completed`'),
    event: z.number().describe('number of the event that it is sent for'),
    video: named<VideoId>('the video that it is about').nullable(),
    endpoint: z.string().describe('where it goes, without the query, which may hold a secret'),
    state: z
      .enum(WEBHOOK_STATES)
      .describe(
        '`waiting` to be sent (again), `delivered`, or `failed`: given up after a day, or as the endpoint is gone',
      ),
    attempts: z.number().describe('attempts that ended, since it was made or sent again'),
    answer: z.string().nullable().describe('what came of the last one, such as `HTTP 500`; null before'),
    created_at: milliseconds('when it was made'),
    next_at: milliseconds('of one that waits: when it is sent next').nullable(),
    ended_at: milliseconds('when it was delivered or given up').nullable(),
  })
  .meta({ id: 'WebhookDelivery', description: 'What one endpoint gets of one event.' })

/** One delivery as API and command line show it. */
export type WebhookRow = z.infer<typeof webhookRowSchema>

const pageQuerySchema = z.strictObject({
  state: z.enum(WEBHOOK_STATES).optional().describe('only those in this state'),
  limit: limit(PAGE_WEBHOOKS, 'deliveries'),
  cursor: cursor(CURSOR),
})

/** What a page of deliveries is asked by. */
export type WebhookPageQuery = z.output<typeof pageQuerySchema>

const pageSchema = z
  .object({
    webhooks: z.array(webhookRowSchema).readonly().describe('by their events, newest first'),
    next,
  })
  .meta({
    id: 'WebhookPage',
    description: 'Some webhook deliveries. Those that ended are kept for a week, and of all the newest 10,000.',
  })

/** A page of deliveries. */
export type WebhookPage = z.infer<typeof pageSchema>

/** A delivery as it is shown. */
export function webhookRow(delivery: WebhookDelivery): WebhookRow {
  const { _id: id, n: event, type, video, url, state, attempts, answer, created_at, next_at, ended_at } = delivery
  const endpoint = endpointText(url)
  const next = state === 'waiting' ? next_at : null
  return { id, type, event, video, endpoint, state, attempts, answer, created_at, next_at: next, ended_at }
}

/** The routes of webhooks, in the form of OpenAPI. */
export const WEBHOOK_ROUTES = {
  webhooks: {
    operationId: 'webhooks',
    method: 'get',
    path: '/v1/webhooks',
    summary: 'Webhook deliveries of the mesh, those of the newest events first, page by page',
    request: { query: pageQuerySchema },
    responses: { 200: json(pageSchema, 'a page'), ...refused },
  },
  resendWebhook: {
    operationId: 'resendWebhook',
    method: 'post',
    path: '/v1/webhooks/{id}/resend',
    summary: 'Has a delivery sent again at once, under the same id, whatever came of it before',
    request: { params: z.object({ id: z.string().describe('id of the delivery') }) },
    responses: { 200: json(webhookRowSchema, 'the delivery'), 404: problem('there is no such delivery'), ...refused },
  },
} as const

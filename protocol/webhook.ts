/**
 * Webhooks: the events that programs are sent, and under which names. Messages are signed after the Standard Webhooks
 * specification (standardwebhooks.com).
 */
import { z } from 'zod'
import type { EventCode } from './events.ts'
import { eventSchema, videoDetailSchema } from './status.ts'

/** Types of messages, each with the event of the ledger that it is sent for. Those of a video go to its own endpoints too. */
export const WEBHOOK_EVENTS = {
  'video.completed': 'completed',
  'video.delivered': 'delivered',
  'video.failed': 'failed',
  'video.cancelled': 'cancelled',
  'video.playable': 'playable',
  'video.still': 'still',
  'video.moves': 'moves',
  'deadline.danger': 'deadline_danger',
  'deadline.missed': 'deadline_missed',
  'deadline.safe': 'deadline_safe',
  'peer.lost': 'peer_lost',
  'peer.quarantined': 'quarantined',
  'peer.disk_full': 'disk_full',
  'leader.changed': 'leader',
} as const satisfies Readonly<Record<string, EventCode>>

/** A type of message. */
export type WebhookType = keyof typeof WEBHOOK_EVENTS

/** All types, in the order in which they are documented. */
export const WEBHOOK_TYPES = Object.keys(WEBHOOK_EVENTS) as WebhookType[]

/** Types of the endpoints that a configuration names, and what they get. */
export interface WebhookEndpoints {
  readonly urls: readonly string[]
  readonly types: readonly WebhookType[]
}

/** The type of message for an event of the ledger, by its code; null where none is sent. */
export const webhookType = (what: string): WebhookType | null =>
  WEBHOOK_TYPES.find((type) => WEBHOOK_EVENTS[type] === what) ?? null

/** What is sent, as the body of a POST. */
export const webhookMessageSchema = z
  .object({
    type: z.string().describe('what happened, such as `video.completed`'),
    timestamp: z.iso.datetime().describe('when, by the clock of the ledger'),
    data: z
      .object({
        event: eventSchema.describe('the event, as `GET /v1/events` has it'),
        video: videoDetailSchema
          .nullable()
          .describe(
            'the video that it is about, as `GET /v1/videos/{id}` had it when the message was made; null without one',
          ),
      })
      .describe('the event and its video'),
  })
  .meta({ id: 'WebhookMessage', description: 'What an endpoint gets.' })

/** What endpoints are asked, in the form of OpenAPI. */
export const WEBHOOK_MESSAGE = {
  operationId: 'webhook',
  method: 'post',
  path: 'webhook',
  summary:
    'Sent to every endpoint of webhooks, signed after the Standard Webhooks specification, until it answers with 2xx',
  request: { body: { required: true, content: { 'application/json': { schema: webhookMessageSchema } } } },
  responses: {
    200: { description: 'taken; any 2xx is the same' },
    410: { description: 'the endpoint is gone: this message is not sent again' },
    503: { description: 'sent again, later than `Retry-After`, as after every other answer' },
  },
} as const

/** What is sent, as the body of a POST. */
export type WebhookMessage = z.infer<typeof webhookMessageSchema>

/** One attempt to send a delivery. */
export interface WebhookAttempt {
  /** The delivery's id. */
  readonly id: string
  readonly url: string
  readonly body: string
}

/**
 * What came of an attempt: the status that was answered, or why none was, in a phrase. `retry_after_ms`: how long the endpoint asks to wait (`Retry-After`);
 * of a problem, how long it is waited, where that is known.
 */
export type WebhookAnswer = { readonly retry_after_ms: number | null } & (
  | { readonly status: number }
  | { readonly problem: string }
)

/** Sends: signs the body and posts it, within a bounded time. Rejects only when the signal aborts. */
export type SendWebhook = (attempt: WebhookAttempt, signal: AbortSignal) => Promise<WebhookAnswer>

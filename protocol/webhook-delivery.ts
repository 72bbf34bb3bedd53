/**
 * Webhook deliveries, kept in the ledger: what one endpoint is to get of one event, and how that went. The leader makes them from the events, sends
 * them and writes what came of it, so that the next leader goes on where one was killed.
 *
 * Promises: each is sent at least once, until an endpoint has taken it or `until` is over, and always under the same id. What the leader writes
 * takes its term, as the rest of the ledger does.
 */
import { createHash } from 'node:crypto'
import type { VideoId } from './ids.ts'
import type { LedgerEvent } from './ledger-event.ts'

/** States of a delivery: it is sent (again) at `next_at`; the endpoint took it; it was given up. */
export const WEBHOOK_STATES = ['waiting', 'delivered', 'failed'] as const
/** One of `WEBHOOK_STATES`. */
export type WebhookState = (typeof WEBHOOK_STATES)[number]

/** A delivery as the ledger keeps it. Times are ms since 1970, by the ledger's clock. */
export interface WebhookDelivery {
  /** What the endpoint knows it by (`webhook-id`): `webhookId`. */
  _id: string
  /** Number of its event. */
  n: number
  /** Such as `video.completed`: one of `WEBHOOK_EVENTS`, or of those of a newer peer. */
  type: string
  /** The video that the event is about; null without one. */
  video: VideoId | null
  /** The endpoint. Its query may hold a secret: people are shown `endpointText`. */
  url: string
  /** What is sent: the same bytes at each attempt. */
  body: string
  state: WebhookState
  created_at: number
  /** Number of attempts that ended, since it was made or sent again by hand. */
  attempts: number
  /** What came of the last one, such as `HTTP 500`, or a phrase; null before. */
  answer: string | null
  next_at: number
  /** When it is given up, ms since 1970. */
  until: number
  /** When it was delivered or given up; null before. */
  ended_at: number | null
  coordinator_term: number
}

/** A delivery as the leader makes it. */
export type NewWebhook = Pick<WebhookDelivery, '_id' | 'n' | 'type' | 'video' | 'url' | 'body'>

/** The place of a delivery in the order of pages: by the number of its event, then by id. */
export type WebhookPlace = Pick<WebhookDelivery, 'n' | '_id'>

/** Which deliveries are wanted; what is absent excludes none. */
export interface WebhookQuery {
  readonly limit: number
  readonly states?: readonly WebhookState[] | undefined
  /** A place: only those before it. */
  readonly before?: WebhookPlace | undefined
}

/** How an attempt ended. */
export interface WebhookOutcome {
  /** Compare: the number of attempts as it was read. */
  readonly attempts: number
  readonly state: WebhookState
  readonly answer: string
  /** Time until the next attempt of one that waits, ms. */
  readonly in_ms: number
  readonly term: number
}

/** What the ledger does with deliveries. Every method rejects with `LedgerUnavailable`. */
export interface WebhookDeliveries {
  /** Adds those whose id is new, to be sent at once and for `WEBHOOK_RETRY_MS`; at most `WEBHOOKS_BATCH`. Answers how many. */
  addWebhooks(all: readonly NewWebhook[], term: number): Promise<number>
  webhook(id: string): Promise<WebhookDelivery | null>
  /** Deliveries by their place, the newest first. */
  webhooks(query: WebhookQuery): Promise<WebhookDelivery[]>
  /** Those to send now, except to these endpoints, the longest due first. */
  dueWebhooks(limit: number, except: readonly string[]): Promise<WebhookDelivery[]>
  /** Writes how an attempt ended, where it waits and no other has ended since. */
  settleWebhook(id: string, outcome: WebhookOutcome): Promise<'changed' | 'unchanged'>
  /** Has it sent at once, and again for `WEBHOOK_RETRY_MS`, whatever came of it before; any peer may. */
  resendWebhook(id: string): Promise<'changed' | 'unchanged'>
  /** Removes those that ended `WEBHOOK_KEPT_MS` ago, and beyond the newest `WEBHOOKS_KEPT_MAX` all. */
  removeOldWebhooks(): Promise<void>
}

/** The note of the leader's lease that says up to which event deliveries were made: its number. */
export const WEBHOOK_NOTE = { lease: 'coordinator', key: 'webhooks' } as const

/** How long a delivery is tried, ms. */
export const WEBHOOK_RETRY_MS = 24 * 3_600_000
/** How long one that ended is kept, ms: people look for it, and send it again, within days. */
export const WEBHOOK_KEPT_MS = 7 * 24 * 3_600_000
/** Deliveries that a ledger keeps, the newest: with 5 kB each 50 MB. */
export const WEBHOOKS_KEPT_MAX = 10_000
/** Deliveries that are added at once, at most. */
export const WEBHOOKS_BATCH = 100
/** Bytes of a body at most: a video of many renditions and notes has some 20 kB. */
export const WEBHOOK_BODY_BYTES_MAX = 64 * 1024

const DIGITS = 16
const ID = new RegExp(`^(\\d{1,15})-[0-9a-f]{${DIGITS}}$`)

/**
 * The id of the delivery of an event to an endpoint. It follows from both, so that a leader that makes it again makes the same one. The time is in
 * it, as SQLite may give a number again after a power cut.
 */
export function webhookId({ n, at, what }: Pick<LedgerEvent, 'n' | 'at' | 'what'>, url: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([n, at, what, url]))
    .digest('hex')
  return `${n}-${hash.slice(0, DIGITS)}`
}

/** Whether a text of unknown origin has the form of an id. */
export const isWebhookId = (text: string): boolean => ID.test(text)

/** The place that an id stands for; null where it is none. */
export function webhookPlace(id: string): WebhookPlace | null {
  const [, n] = ID.exec(id) ?? []
  return n === undefined ? null : { n: Number(n), _id: id }
}

/** The schemas of what stands beside videos and tasks: peers, engines, the lease, events, webhook deliveries. */
import type { KeptRequest } from '../../protocol/kept-request.ts'
import type { EngineRecord, Lease, LedgerEvent, PeerRecord } from '../../protocol/ledger.ts'
import { WEBHOOK_BODY_BYTES_MAX, WEBHOOK_STATES, type WebhookDelivery } from '../../protocol/webhook-delivery.ts'
import { type Fields, list, nullable, object, oneOf, textLike, textWhere } from './check.ts'
import {
  count,
  countTo,
  finite,
  flag,
  integer,
  peerId,
  sha256,
  text,
  token,
  videoId,
  webhookUrl,
  word,
} from './values.ts'

/** A document of the collection `peers`. */
export const peerSchema = object({
  _id: peerId,
  paused: flag,
  draining: flag,
  quarantined_until: nullable(integer),
  quarantines: count,
  reason: nullable(text),
  audits_agreed: count,
} satisfies Fields<PeerRecord>)

/** The id of a member: a document of the collection `members`. */
export const memberSchema = peerId

/** A document of the collection `engines`. `wanted`: as many workers as no engine has, at most. */
export const engineSchema = object({
  _id: text,
  wanted: countTo(10_000),
  reason: nullable(text),
  peers: list(peerId, 1_000),
  coordinator_term: count,
} satisfies Fields<EngineRecord>)

/** The schema of a `Lease`. */
export const leaseSchema = object({
  holder: nullable(peerId),
  nonce: text,
  term: count,
  remaining_ms: finite,
} satisfies Fields<Lease>)

/** A document of the collection `requests`. */
export const requestSchema = object({ request: sha256, token, answer: nullable(text) } satisfies Fields<KeptRequest>)

/** The schema of a `LedgerEvent`. */
export const eventSchema = object({
  n: count,
  at: integer,
  what: word,
  peer: nullable(peerId),
  video: nullable(videoId),
  text,
} satisfies Fields<LedgerEvent>)

/** A document of the collection `webhooks`. */
export const webhookSchema = object({
  _id: textLike(/^[\w-]{1,64}$/, ' is no id of a webhook'),
  n: count,
  type: word,
  video: nullable(videoId),
  url: webhookUrl,
  body: textWhere(({ length }) => length <= WEBHOOK_BODY_BYTES_MAX, ' is no text, or too long'),
  state: oneOf(WEBHOOK_STATES),
  created_at: integer,
  attempts: count,
  answer: nullable(text),
  next_at: integer,
  until: integer,
  ended_at: nullable(integer),
  coordinator_term: count,
} satisfies Fields<WebhookDelivery>)

/** Webhook deliveries: one row each. */
import {
  WEBHOOK_KEPT_MS,
  WEBHOOK_RETRY_MS,
  WEBHOOKS_KEPT_MAX,
  type WebhookDeliveries,
  type WebhookDelivery,
  type WebhookOutcome,
} from '../../protocol/webhook-delivery.ts'
import { TERM } from './fragments.ts'
import { insertFromJson, type Row, WEBHOOK_COLUMNS } from './schema.ts'
import type { Store } from './store.ts'

type Given<Name extends keyof WebhookDeliveries> = Parameters<WebhookDeliveries[Name]>

const ADD = `${insertFromJson('webhooks', WEBHOOK_COLUMNS, {
  state: `'waiting'`,
  created_at: ':now',
  attempts: '0',
  answer: 'NULL',
  next_at: ':now',
  until: `:now + ${WEBHOOK_RETRY_MS}`,
  ended_at: 'NULL',
  coordinator_term: ':term',
})} RETURNING _id`

export async function addWebhooks(store: Store, ...[all, term]: Given<'addWebhooks'>): Promise<number> {
  return (await store.write('sure', ADD, { documents: JSON.stringify(all), term })).length
}

export async function readWebhook(store: Store, id: string): Promise<WebhookDelivery | null> {
  return found(store, await store.read('SELECT * FROM webhooks WHERE _id=:id', { id }))[0] ?? null
}

const PAGE = `SELECT * FROM webhooks INDEXED BY webhook_place WHERE (n, _id) < (:n, :id)
  AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states))) ORDER BY n DESC, _id DESC LIMIT :limit`

export async function readWebhooks(store: Store, { limit, states, before }: Given<'webhooks'>[0]) {
  const place = { n: before?.n ?? Number.MAX_SAFE_INTEGER, id: before?._id ?? '' }
  return found(store, await store.read(PAGE, { ...place, states: states ? JSON.stringify(states) : null, limit }))
}

const DUE = `SELECT * FROM webhooks INDEXED BY webhook_due WHERE state='waiting' AND next_at <= :now
  AND url NOT IN (SELECT value FROM json_each(:except)) ORDER BY next_at LIMIT :limit`

export async function readDueWebhooks(store: Store, ...[limit, except]: Given<'dueWebhooks'>) {
  return found(store, await store.read(DUE, { limit, except: JSON.stringify(except) }))
}

const SETTLE = `UPDATE webhooks SET state=:state, answer=:answer, attempts=attempts + 1, next_at=:now + :in_ms,
  ended_at=iif(:state = 'waiting', NULL, :now), coordinator_term=:term
  WHERE _id=:id AND state='waiting' AND attempts=:attempts AND ${TERM} RETURNING _id`

export async function settleWebhook(store: Store, id: string, outcome: WebhookOutcome): Promise<boolean> {
  return (await store.write('sure', SETTLE, { id, ...outcome })).length > 0
}

const RESEND = `UPDATE webhooks SET state='waiting', attempts=0, next_at=:now, until=:now + ${WEBHOOK_RETRY_MS}, ended_at=NULL
  WHERE _id=:id RETURNING _id`

export async function resendWebhook(store: Store, id: string): Promise<boolean> {
  return (await store.write('sure', RESEND, { id })).length > 0
}

const REMOVE_ENDED = `DELETE FROM webhooks WHERE ended_at IS NOT NULL AND ended_at <= :now - ${WEBHOOK_KEPT_MS}`
const REMOVE_OLDEST = `DELETE FROM webhooks WHERE (n, _id) <= (SELECT n, _id FROM webhooks INDEXED BY webhook_place
  ORDER BY n DESC, _id DESC LIMIT 1 OFFSET ${WEBHOOKS_KEPT_MAX})`

export async function removeOldWebhooks(store: Store): Promise<void> {
  await store.write('light', REMOVE_ENDED)
  await store.write('light', REMOVE_OLDEST)
}

const found = (store: Store, rows: readonly Row[]): WebhookDelivery[] =>
  store.documents.all(
    rows.map((row) => ({ ...row })),
    store.documents.webhook,
  )

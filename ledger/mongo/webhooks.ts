/** Webhook deliveries: one document each. */
import {
  WEBHOOK_KEPT_MS,
  WEBHOOK_RETRY_MS,
  WEBHOOKS_KEPT_MAX,
  type WebhookDeliveries,
  type WebhookDelivery,
  type WebhookOutcome,
} from '../../protocol/webhook-delivery.ts'
import { fromBson, lit } from './bson.ts'
import { after, term as notNewer } from './pipeline.ts'
import type { Doc, Store } from './store.ts'

type Given<Name extends keyof WebhookDeliveries> = Parameters<WebhookDeliveries[Name]>

/** Where there is one, the pipeline leaves it as it is. */
export async function addWebhooks(store: Store, ...[all, term]: Given<'addWebhooks'>): Promise<number> {
  const times = { created_at: '$$NOW', next_at: '$$NOW', until: after(WEBHOOK_RETRY_MS) }
  const first = { state: 'waiting', attempts: 0, answer: null, ended_at: null, coordinator_term: term }
  const upserts = all.map((made) => {
    const fresh = { $mergeObjects: [lit({ ...made, ...first }), times] }
    const update = [{ $replaceWith: { $cond: [{ $eq: [{ $type: '$state' }, 'missing'] }, fresh, '$$ROOT'] } }]
    return { updateOne: { filter: { _id: made._id }, update, upsert: true } }
  })
  return (await store.run(() => store.webhooks.bulkWrite(upserts, { ordered: false }))).upsertedCount
}

export async function readWebhook(store: Store, id: string): Promise<WebhookDelivery | null> {
  const one = await store.run(() => store.webhooks.findOne({ _id: id }))
  return one && store.documents.webhook(fromBson(one))
}

export async function readWebhooks(store: Store, { limit, states, before }: Given<'webhooks'>[0]) {
  const filter = {
    ...(states && { state: { $in: [...states] } }),
    ...(before && { $or: [{ n: { $lt: before.n } }, { n: before.n, _id: { $lt: before._id } }] }),
  }
  const newest = (limit: number) => store.webhooks.find(filter, { sort: { n: -1, _id: -1 }, limit, hint: 'place' })
  return found(store, await store.find(limit, newest))
}

export async function readDueWebhooks(store: Store, ...[limit, except]: Given<'dueWebhooks'>) {
  const isDue = { $expr: { $lte: ['$next_at', '$$NOW'] } }
  const filter = { state: 'waiting', url: { $nin: [...except] }, ...isDue }
  const first = (limit: number) => store.webhooks.find(filter, { sort: { next_at: 1 }, limit, hint: 'due' })
  return found(store, await store.find(limit, first))
}

export async function settleWebhook(store: Store, id: string, outcome: WebhookOutcome): Promise<boolean> {
  const { attempts, state, answer, in_ms, term } = outcome
  const mine = { _id: id, state: 'waiting', attempts, ...notNewer(term) }
  const set = {
    state: lit(state),
    answer: lit(answer),
    attempts: attempts + 1,
    next_at: after(in_ms),
    ended_at: state === 'waiting' ? null : '$$NOW',
    coordinator_term: term,
  }
  return (await store.run(() => store.webhooks.updateOne(mine, [{ $set: set }]))).matchedCount === 1
}

export async function resendWebhook(store: Store, id: string): Promise<boolean> {
  const set = { state: 'waiting', attempts: 0, next_at: '$$NOW', until: after(WEBHOOK_RETRY_MS), ended_at: null }
  return (await store.run(() => store.webhooks.updateOne({ _id: id }, [{ $set: set }]))).matchedCount === 1
}

export async function removeOldWebhooks(store: Store): Promise<void> {
  const isOld = { $expr: { $lte: ['$ended_at', { $subtract: ['$$NOW', WEBHOOK_KEPT_MS] }] } }
  await store.run(() => store.webhooks.deleteMany({ ended_at: { $type: 'date' }, ...isOld }, { hint: 'ended' }))
  const options = { sort: { n: -1, _id: -1 }, skip: WEBHOOKS_KEPT_MAX, limit: 1, projection: { n: 1 } } as const
  const [oldest] = await store.run(() => store.webhooks.find({}, { ...options, hint: 'place' }).toArray())
  if (!oldest) return
  const { n, _id } = oldest
  await store.run(() => store.webhooks.deleteMany({ $or: [{ n: { $lt: n } }, { n, _id: { $lte: _id } }] }))
}

const found = (store: Store, all: readonly Doc[]): WebhookDelivery[] =>
  store.documents.all(all.map(fromBson), store.documents.webhook)

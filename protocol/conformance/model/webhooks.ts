/** Webhook deliveries in the reference model. */
import {
  WEBHOOK_KEPT_MS,
  WEBHOOK_RETRY_MS,
  WEBHOOKS_KEPT_MAX,
  type WebhookDeliveries,
  type WebhookDelivery,
} from '../../webhook-delivery.ts'
import { changed, copy, type ModelState } from './state.ts'

/** By their place, the newest first. */
const newestFirst = (all: Iterable<WebhookDelivery>): WebhookDelivery[] =>
  [...all].sort((a, b) => b.n - a.n || (a._id < b._id ? 1 : -1))

export function modelWebhooks({ webhooks, options: { now } }: ModelState): WebhookDeliveries {
  return {
    addWebhooks: async (all, term) => {
      const fresh = all.filter(({ _id }) => !webhooks.has(_id))
      const times = { created_at: now(), next_at: now(), until: now() + WEBHOOK_RETRY_MS, ended_at: null }
      for (const one of fresh)
        webhooks.set(one._id, { ...one, ...times, state: 'waiting', attempts: 0, answer: null, coordinator_term: term })
      return fresh.length
    },
    webhook: async (id) => copy(webhooks.get(id) ?? null),
    webhooks: async ({ limit, states, before }) =>
      copy(
        newestFirst(webhooks.values())
          .filter(({ state }) => states?.includes(state) ?? true)
          .filter(({ n, _id }) => !before || n < before.n || (n === before.n && _id < before._id))
          .slice(0, limit),
      ),
    dueWebhooks: async (limit, except) =>
      copy(
        [...webhooks.values()]
          .filter(({ state, next_at, url }) => state === 'waiting' && next_at <= now() && !except.includes(url))
          .sort((a, b) => a.next_at - b.next_at)
          .slice(0, limit),
      ),
    settleWebhook: async (id, { attempts, state, answer, in_ms, term }) => {
      const one = webhooks.get(id)
      if (one?.state !== 'waiting' || one.attempts !== attempts || one.coordinator_term > term) return 'unchanged'
      const ended_at = state === 'waiting' ? null : now()
      const next_at = now() + in_ms
      Object.assign(one, { state, answer, attempts: attempts + 1, next_at, ended_at, coordinator_term: term })
      return 'changed'
    },
    resendWebhook: async (id) => {
      const one = webhooks.get(id)
      const until = now() + WEBHOOK_RETRY_MS
      if (one) Object.assign(one, { state: 'waiting', attempts: 0, next_at: now(), until, ended_at: null })
      return changed(one !== undefined)
    },
    removeOldWebhooks: async () => {
      const kept = newestFirst(webhooks.values())
        .slice(0, WEBHOOKS_KEPT_MAX)
        .filter(({ ended_at }) => ended_at === null || ended_at > now() - WEBHOOK_KEPT_MS)
      for (const id of webhooks.keys()) if (!kept.some(({ _id }) => _id === id)) webhooks.delete(id)
    },
  }
}

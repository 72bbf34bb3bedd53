/** Webhook deliveries as the API answers them. Every node answers the same. */
import { type WebhookPage, type WebhookPageQuery, type WebhookRow, webhookRow } from '../../protocol/api-webhooks.ts'
import { unknownWebhook } from '../../protocol/errors.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { webhookPlace } from '../../protocol/webhook-delivery.ts'
import { RequestRefused } from './refusals.ts'

/** The page that is asked for. Rejects with `LedgerUnavailable`. */
export async function webhookPage(
  ledger: Pick<Ledger, 'webhooks'>,
  { limit, cursor, state }: WebhookPageQuery,
): Promise<WebhookPage> {
  const before = webhookPlace(cursor ?? '') ?? undefined
  const found = await ledger.webhooks({ limit: limit + 1, before, states: state && [state] })
  const page = found.slice(0, limit)
  return { webhooks: page.map(webhookRow), next: found.length > limit ? page.at(-1)!._id : null }
}

/** Has a delivery sent again, and answers it. Rejects with `unknown_webhook` and `LedgerUnavailable`. */
export async function resendWebhook(
  ledger: Pick<Ledger, 'resendWebhook' | 'webhook'>,
  id: string,
): Promise<WebhookRow> {
  const isThere = (await ledger.resendWebhook(id)) === 'changed'
  const found = isThere ? await ledger.webhook(id) : null
  if (found === null) throw unknownWebhook(id)
  return webhookRow(found)
}

/** Throws `usage`, with the field, where an endpoint may not be named to this node. */
export function checkWebhooks(urls: readonly string[], problem: (url: string) => string | null): void {
  for (const [at, url] of urls.entries()) {
    const why = problem(url)
    const field = `webhooks.${at}`
    if (why !== null) throw new RequestRefused(422, 'usage', `${field}: ${why}`, { field })
  }
}

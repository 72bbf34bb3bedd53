/** Which deliveries an event makes, and what they say. Pure. */
import type { LedgerEvent } from '../../protocol/ledger-event.ts'
import type { VideoDetail } from '../../protocol/status.ts'
import { type WebhookEndpoints, type WebhookMessage, webhookType } from '../../protocol/webhook.ts'
import { type NewWebhook, WEBHOOK_BODY_BYTES_MAX, webhookId } from '../../protocol/webhook-delivery.ts'

/** The endpoints that get this event: those of the configuration that want its type, and those of its video. */
export function endpointsFor(
  event: Pick<LedgerEvent, 'what'>,
  { configured, ofVideo }: { readonly configured: WebhookEndpoints; readonly ofVideo: readonly string[] },
): string[] {
  const type = webhookType(event.what)
  if (type === null) return []
  return [...new Set([...(configured.types.includes(type) ? configured.urls : []), ...ofVideo])]
}

/** The deliveries of an event to these endpoints; none for an event of which no message is sent. */
export function deliveriesOf(event: LedgerEvent, video: VideoDetail | null, urls: readonly string[]): NewWebhook[] {
  const type = webhookType(event.what)
  if (type === null) return []
  const bodyOf = (shown: VideoDetail | null) =>
    JSON.stringify({
      type,
      timestamp: new Date(event.at).toISOString(),
      data: { event, video: shown },
    } satisfies WebhookMessage)
  const whole = bodyOf(video)
  const body = Buffer.byteLength(whole) <= WEBHOOK_BODY_BYTES_MAX ? whole : bodyOf(null)
  return urls.map((url) => ({ _id: webhookId(event, url), n: event.n, type, video: event.video, url, body }))
}

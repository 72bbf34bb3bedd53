/** What comes of an attempt to send a webhook: it is delivered, given up, or sent again, and when. Pure but for chance. */
import { backoffMs, type Rng } from '../../protocol/clock.ts'
import type { WebhookAnswer } from '../../protocol/webhook.ts'
import type { WebhookDelivery, WebhookOutcome } from '../../protocol/webhook-delivery.ts'

/** Waits between attempts, times 0.5–1.5: an endpoint that restarts is asked soon, one that is away for a day some thirty times. */
const WAIT_MS = { base: 2_000, max: 3_600_000 } as const
/** The endpoint is gone, and wants no more. */
const GONE = 410

/** The outcome of an attempt, without its fences. `now`: ledger time, ms. */
export function outcomeOf(
  answer: WebhookAnswer,
  { attempts, until }: Pick<WebhookDelivery, 'attempts' | 'until'>,
  { now, rng }: { readonly now: number; readonly rng: Rng },
): Pick<WebhookOutcome, 'state' | 'answer' | 'in_ms'> {
  const text = 'problem' in answer ? answer.problem : `HTTP ${answer.status}`
  if ('status' in answer && answer.status >= 200 && answer.status < 300)
    return { state: 'delivered', answer: text, in_ms: 0 }
  if ('status' in answer && answer.status === GONE)
    return { state: 'failed', answer: `${text}: the endpoint is gone`, in_ms: 0 }
  const wait = backoffMs({ tries: attempts, baseMs: WAIT_MS.base, maxMs: WAIT_MS.max, rng })
  const in_ms = 'problem' in answer ? (answer.retry_after_ms ?? wait) : Math.max(wait, answer.retry_after_ms ?? 0)
  return now + in_ms < until
    ? { state: 'waiting', answer: text, in_ms: Math.ceil(in_ms) }
    : { state: 'failed', answer: `${text}, as at all attempts before`, in_ms: 0 }
}

/**
 * Makes webhook deliveries of the events of the ledger, and has them sent. How far events were read is a note of the leader's lease. Deliveries are
 * written before that note, under ids that follow from their events: a leader that takes over between the two makes the same ones, and none is lost.
 */
import type { LedgerEvent } from '../../protocol/ledger-event.ts'
import { webhookType } from '../../protocol/webhook.ts'
import { type NewWebhook, WEBHOOK_NOTE, WEBHOOKS_BATCH } from '../../protocol/webhook-delivery.ts'
import type { Duty, TermContext, WebhookParts } from '../duty.ts'
import { deliveriesOf, endpointsFor } from '../webhooks/new-deliveries.ts'
import { createSending, type Sending } from '../webhooks/sending.ts'

/** The parts of the term that this duty uses. */
export interface WebhookContext extends Pick<TermContext, 'term' | 'ledger' | 'clock' | 'rng' | 'log'> {
  readonly webhooks: WebhookParts
}

/** Time between two looks, ms: hints come in bursts. */
const LOOK_MS = 1_000
/** Time between two removals of old deliveries, ms. */
const REMOVE_MS = 3_600_000
/** Events that are read at once. */
const EVENTS_READ = 100

/** The duty that sends webhooks, for one term. */
export function createWebhooks(context: WebhookContext): Duty {
  const webhooks = new Webhooks(context)
  return { name: 'webhooks', round: (signal) => webhooks.round(signal) }
}

class Webhooks {
  readonly #context: WebhookContext
  readonly #sending: Sending
  #lookedAt = Number.NEGATIVE_INFINITY
  #removedAt = Number.NEGATIVE_INFINITY
  /** Number of the last event that was read, and of the last that the ledger knows of. */
  #read: number | null = null
  #noted = 0

  constructor(context: WebhookContext) {
    this.#context = context
    this.#sending = createSending({ ...context, send: context.webhooks.send })
  }

  async round(signal: AbortSignal): Promise<void> {
    const { ledger, clock } = this.#context
    if (clock.mono() - this.#lookedAt < LOOK_MS) return
    this.#lookedAt = clock.mono()
    await this.#makeDeliveries()
    await this.#sending.fill(signal)
    if (clock.mono() - this.#removedAt < REMOVE_MS) return
    this.#removedAt = clock.mono()
    await ledger.removeOldWebhooks()
  }

  async #makeDeliveries(): Promise<void> {
    const { ledger, term } = this.#context
    this.#read ??= await this.#begin()
    for (;;) {
      const events = await ledger.eventsAfter(this.#read, EVENTS_READ)
      const last = events.at(-1)
      if (last === undefined) return
      const made: NewWebhook[] = []
      for (const event of events) made.push(...(await this.#deliveriesOf(event)))
      for (let from = 0; from < made.length; from += WEBHOOKS_BATCH)
        await ledger.addWebhooks(made.slice(from, from + WEBHOOKS_BATCH), term)
      // Of events that made nothing it costs little to read some again.
      if (made.length > 0 || last.n - this.#noted >= EVENTS_READ) await this.#note(last.n)
      this.#read = last.n
    }
  }

  /** Where to read on. In a new ledger that is behind the last event: what happened before is sent to nobody. */
  async #begin(): Promise<number> {
    const { ledger } = this.#context
    const noted = (await ledger.notes(WEBHOOK_NOTE.lease)).get(WEBHOOK_NOTE.key)
    if (noted === undefined || !/^\d{1,15}$/.test(noted)) await this.#note((await ledger.events(1)).at(-1)?.n ?? 0)
    else this.#noted = Number(noted)
    return this.#noted
  }

  async #note(n: number): Promise<void> {
    const { ledger, term } = this.#context
    const noted = await ledger.setNote({ ...WEBHOOK_NOTE, text: String(n), term })
    if (noted === 'unchanged') throw new Error('a newer leader sends webhooks')
    this.#noted = n
  }

  async #deliveriesOf(event: LedgerEvent): Promise<NewWebhook[]> {
    const { ledger, webhooks } = this.#context
    const isOfVideo = webhookType(event.what) !== null && event.video !== null
    const video = isOfVideo ? await ledger.video(event.video!) : null
    const urls = endpointsFor(event, { configured: webhooks.endpoints, ofVideo: video?.webhooks ?? [] })
    if (urls.length === 0) return []
    return deliveriesOf(event, event.video === null ? null : await webhooks.shown(event.video), urls)
  }
}

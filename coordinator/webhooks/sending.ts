/**
 * Sends what is due, at most `PARALLEL_MAX` at once, and writes what came of it. An endpoint that does not answer takes few of these places, so that it
 * holds up no other. Nothing here is waited for by the round that begins it; all of it ends with the term.
 *
 * A leader that dies between an attempt and its record has sent what the next one sends again, under the same id.
 */
import type { Clock, Rng } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Log } from '../../protocol/log.ts'
import type { SendWebhook } from '../../protocol/webhook.ts'
import type { WebhookDelivery } from '../../protocol/webhook-delivery.ts'
import { endpointText } from '../../protocol/webhook-url.ts'
import { outcomeOf } from './next-try.ts'

/** The parts that sending uses. */
export interface SendingParts {
  readonly ledger: Pick<Ledger, 'dueWebhooks' | 'settleWebhook' | 'now'>
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly term: number
  readonly send: SendWebhook
}

/** What runs of a term. */
export interface Sending {
  /** Begins what is due and has a place. Rejects with `LedgerUnavailable`. */
  fill(signal: AbortSignal): Promise<void>
}

const PARALLEL_MAX = 16
/** Of one endpoint: a slow one keeps the others' places free. */
const OF_ENDPOINT_MAX = 2
/** How long a delivery is left alone after its outcome could not be written, ms. */
const UNWRITTEN_MS = 2_000

/** Makes the sending of one term. */
export const createSending = (parts: SendingParts): Sending => new TermSending(parts)

class TermSending implements Sending {
  readonly #parts: SendingParts
  /** By id: the endpoint. */
  readonly #running = new Map<string, string>()
  #filling: Promise<void> | null = null

  constructor(parts: SendingParts) {
    this.#parts = parts
  }

  fill = async (signal: AbortSignal): Promise<void> => {
    this.#filling ??= this.#fill(signal).finally(() => {
      this.#filling = null
    })
    await this.#filling
  }

  async #fill(signal: AbortSignal): Promise<void> {
    const { ledger } = this.#parts
    while (this.#running.size < PARALLEL_MAX && !signal.aborted) {
      const before = this.#running.size
      const busy = [...new Set(this.#running.values())].filter((url) => !this.#hasPlace(url))
      for (const delivery of await ledger.dueWebhooks(2 * PARALLEL_MAX, busy)) {
        const { _id, url } = delivery
        if (this.#running.has(_id) || this.#running.size >= PARALLEL_MAX || !this.#hasPlace(url)) continue
        this.#running.set(_id, url)
        void this.#run(delivery, signal)
      }
      if (this.#running.size === before) return
    }
  }

  #hasPlace(url: string): boolean {
    return [...this.#running.values()].filter((each) => each === url).length < OF_ENDPOINT_MAX
  }

  /** Never rejects. */
  async #run(delivery: WebhookDelivery, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    try {
      await this.#send(delivery, signal)
    } catch (error) {
      if (signal.aborted) return
      log.warn('what came of a webhook was not recorded: it may be sent again', { error: sentence(error) })
      await clock.sleep(UNWRITTEN_MS, signal).catch(() => {})
    } finally {
      this.#running.delete(delivery._id)
    }
    // Its place is free; where the ledger does not answer, the next round goes on.
    await this.fill(signal).catch(() => {})
  }

  async #send({ _id: id, url, body, attempts, until, type }: WebhookDelivery, signal: AbortSignal): Promise<void> {
    const { ledger, rng, log, term, send } = this.#parts
    const answer = await send({ id, url, body }, signal)
    signal.throwIfAborted()
    const outcome = outcomeOf(answer, { attempts, until }, { now: await ledger.now(), rng })
    const settled = await ledger.settleWebhook(id, { ...outcome, attempts, term })
    if (settled === 'unchanged') return
    const fields = { webhook: id, type, endpoint: endpointText(url), answer: outcome.answer, attempts: attempts + 1 }
    if (outcome.state === 'delivered') log.debug('a webhook was delivered', fields)
    else if (outcome.state === 'failed') log.warn('a webhook is given up', fields)
    // Each attempt of a day would be a line; the first says it.
    else if (attempts === 0) log.warn('a webhook was not taken, and is sent again', fields)
    else log.debug('a webhook was not taken, and is sent again', fields)
  }
}

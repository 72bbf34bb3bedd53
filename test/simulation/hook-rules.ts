/**
 * An endpoint of webhooks that often fails, or takes a message whose answer is lost, and what must hold of it: under one id always the same message, and
 * in the end one of each event that the leaders of the run have read.
 */
import type { Steps } from '../../ledger/steps.ts'
import type { Clock, Rng } from '../../protocol/clock.ts'
import { type SendWebhook, webhookType } from '../../protocol/webhook.ts'
import { WEBHOOK_NOTE, webhookId } from '../../protocol/webhook-delivery.ts'

/** The only endpoint of a simulated mesh. */
export const HOOK_URL = 'https://hook.example/'
const EVENTS_READ = 10_000
const TAKES_MS = { least: 5, more: 300 }
/** Share of attempts that are refused, and that are taken without an answer. */
const [REFUSED, UNANSWERED] = [0.3, 0.2]
/** How often one message is not taken: the waits between attempts grow. */
const REFUSED_MAX = 2

export interface HookRules {
  /** Sends for one life of a node. */
  sender(clock: Clock, rng: Rng): SendWebhook
  /** Whether nothing waits to be sent, and all events are read. */
  isQuiet(): Promise<boolean>
  /** What is wrong in the end. */
  violations(): Promise<string[]>
}

export function createHookRules(steps: Steps, report: (violation: string) => void): HookRules {
  /** By id. */
  const taken = new Map<string, string>()
  const refused = new Map<string, number>()
  /** Number of the last event when all was quiet: when the peers stop, nobody is left to send the last ones. */
  let last = 0
  /** Events that make a message, behind the first that a leader read. */
  const wanted = async () => {
    const events = await steps.eventsAfter(0, EVENTS_READ)
    return events.filter(({ what }) => webhookType(what) !== null)
  }
  return {
    sender: (clock, rng) => async (attempt, signal) => {
      await clock.sleep(TAKES_MS.least + TAKES_MS.more * rng.random(), signal)
      const refusals = refused.get(attempt.id) ?? 0
      const chance = refusals < REFUSED_MAX ? rng.random() : 1
      if (chance < REFUSED + UNANSWERED) refused.set(attempt.id, refusals + 1)
      if (chance < REFUSED) return { status: 500, retry_after_ms: null }
      const before = taken.get(attempt.id)
      if (before !== undefined && before !== attempt.body) report(`webhook ${attempt.id} has two messages`)
      taken.set(attempt.id, attempt.body)
      return chance < REFUSED + UNANSWERED
        ? { problem: 'the answer is lost', retry_after_ms: null }
        : { status: 204, retry_after_ms: null }
    },
    async isQuiet() {
      const noted = Number((await steps.notes(WEBHOOK_NOTE.lease)).get(WEBHOOK_NOTE.key) ?? 0)
      const waiting = await steps.webhooks({ limit: 1, states: ['waiting'] })
      last = (await wanted()).at(-1)?.n ?? 0
      return waiting.length === 0 && noted >= last
    },
    async violations() {
      const [first] = (await steps.webhooks({ limit: EVENTS_READ })).map(({ n }) => n).slice(-1)
      const missing = (await wanted()).filter(
        ({ n, ...event }) => n >= (first ?? 0) && n <= last && !taken.has(webhookId({ n, ...event }, HOOK_URL)),
      )
      return missing.map(({ n, what }) => `no webhook of event ${n} (${what}) was taken`)
    },
  }
}

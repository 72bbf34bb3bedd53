/** The webhooks of a run at its end: it waits a little until each was tried, and says what is left to the next run. */
import { systemClock } from '../node/host/system-clock.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { WEBHOOK_NOTE } from '../protocol/webhook-delivery.ts'
import { printable } from './output.ts'

/** How long a run waits, ms: an endpoint answers within a second, or is away. */
const WAIT_MS = 10_000
const LOOK_MS = 200
const READ_MAX = 500
/** Events after which nothing more is sent of a video of this run. */
const LAST = ['completed', 'delivered', 'failed', 'cancelled']

/** Waits for the first attempts, at most 10 s or until the signal aborts; prints a line to stderr where some were not taken. Never rejects. */
export async function sayUnsent(ledger: Ledger, signal: AbortSignal): Promise<void> {
  const giveUpAt = systemClock.mono() + WAIT_MS
  const left = async () => {
    for (;;) {
      const last = (await ledger.events(1, { what: LAST })).at(-1)?.n ?? 0
      const isMade = Number((await ledger.notes(WEBHOOK_NOTE.lease)).get(WEBHOOK_NOTE.key) ?? 0) >= last
      const waiting = await ledger.webhooks({ limit: READ_MAX, states: ['waiting'] })
      const isOver = signal.aborted || systemClock.mono() > giveUpAt
      if (isOver || (isMade && waiting.every(({ attempts }) => attempts > 0))) return waiting
      await systemClock.sleep(LOOK_MS, signal).catch(() => {})
    }
  }
  const waiting = await left().catch(() => [])
  const [first] = waiting
  if (!first) return
  const [count, why] = [waiting.length, first.answer ?? 'not tried yet']
  process.stderr.write(
    `reelmesh: ${count === 1 ? '1 webhook was' : `${count} webhooks were`} not taken (${printable(why)}); the next run here sends again\n`,
  )
}

/** When the ledger last answered this peer, by any of its calls: since when it is unavailable, and how long it was. */
import type { Clock } from '../../protocol/clock.ts'
import { LEDGER_RETRY_DEADLINE_MS } from '../../protocol/limits.ts'
import { durationOf } from './still-words.ts'

/** An outage that is over. */
export interface Outage {
  /** How long nothing was answered. */
  readonly ms: number
  /** When it ended, monotonic ms. */
  readonly at: number
}

/** What is known of the answers. */
export interface LedgerWatch {
  /** Ms since the last answer, or since the watch began. */
  unansweredMs(): number
  /** The last time without an answer for `OUTAGE_MS` or longer; null without one. */
  outage(): Outage | null
}

/** A node asks every few seconds, so that a longer time without an answer is an outage: as long as a video may stand still without a reason. */
export const OUTAGE_MS = 10_000

/** The same ledger, and a watch of its answers. */
export function watchAnswers<L extends object>(
  ledger: L,
  clock: Pick<Clock, 'mono'>,
): { ledger: L; watch: LedgerWatch } {
  let answeredAt = clock.mono()
  let outage: Outage | null = null
  const answered = () => {
    const at = clock.mono()
    if (at - answeredAt >= OUTAGE_MS) outage = { ms: at - answeredAt, at }
    answeredAt = at
  }
  const watched = Object.entries(ledger).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value]
    return [
      name,
      (...given: unknown[]) => {
        const answer: unknown = Reflect.apply(value, ledger, given)
        // A failure is its caller's.
        if (answer instanceof Promise) answer.then(answered, () => {})
        return answer
      },
    ]
  })
  const watch = { unansweredMs: () => clock.mono() - answeredAt, outage: () => outage }
  return { ledger: Object.fromEntries(watched) as L, watch }
}

/** Why no video goes on while the ledger is unavailable. `away`: its last words. */
export const ledgerText = (away: string, ms: number): string =>
  `nothing can be claimed or recorded, for ${durationOf(ms / 1000)}: ${away}; encodes that run go on, and their results are held for ${LEDGER_RETRY_DEADLINE_MS / 60_000} minutes; start the database again, or look at its disk and the network to it`

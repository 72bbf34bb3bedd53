/**
 * Going on while the ledger is away: an operation is tried again, with backoff and jitter, until it answers or the patience
 * is used up. Only for operations that may be repeated (every ledger method may).
 */
import { backoffMs, type Clock, type Rng } from './clock.ts'
import { LedgerAway } from './errors.ts'
import { LEDGER_PATIENCE_MS, LEDGER_RETRY_MS } from './limits.ts'

export interface Patience {
  readonly clock: Clock
  readonly rng: Rng
  readonly signal: AbortSignal
  /** Ms; default 15 min. */
  readonly patienceMs?: number
  /** Told once for each failed try. */
  readonly onAway?: (error: LedgerAway) => void
}

/** The operation's answer. Rejects with its last `LedgerAway` after the patience, with anything else at once. */
export async function withPatience<T>(operation: () => Promise<T>, patience: Patience): Promise<T> {
  const { clock, rng, signal, onAway } = patience
  const until = clock.mono() + (patience.patienceMs ?? LEDGER_PATIENCE_MS)
  for (let tries = 0; ; tries++) {
    try {
      return await operation()
    } catch (error) {
      if (!(error instanceof LedgerAway) || clock.mono() >= until) throw error
      onAway?.(error)
      await clock.sleep(backoffMs({ tries, baseMs: LEDGER_RETRY_MS.base, maxMs: LEDGER_RETRY_MS.max, rng }), signal)
    }
  }
}

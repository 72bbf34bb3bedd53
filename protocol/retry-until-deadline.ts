/**
 * Retries a ledger operation while the ledger is unavailable, with backoff and jitter, until it answers or the deadline has
 * passed. Only for operations that may be repeated (every ledger method may).
 */
import { backoffMs, type Clock, type Rng } from './clock.ts'
import { LedgerUnavailable } from './errors.ts'
import { LEDGER_RETRY_BACKOFF_MS, LEDGER_RETRY_DEADLINE_MS } from './limits.ts'

/** How long to retry, by which clock, and with which random numbers. */
export interface RetryOptions {
  readonly clock: Clock
  readonly rng: Rng
  /** Ends the wait between two tries, with its reason. */
  readonly signal: AbortSignal
  /** Ms from the first try on; default `LEDGER_RETRY_DEADLINE_MS`. */
  readonly deadlineMs?: number
  /** Called once for each failed try that is followed by another. */
  readonly onRetry?: (error: LedgerUnavailable) => void
}

/**
 * Runs the operation and answers its result. Rejects with the last `LedgerUnavailable` when the deadline has passed, with the signal's reason when it
 * aborts during a wait, and with any other error at once.
 */
export async function retryUntilDeadline<T>(operation: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, rng, signal, onRetry } = options
  const until = clock.mono() + (options.deadlineMs ?? LEDGER_RETRY_DEADLINE_MS)
  for (let tries = 0; ; tries++) {
    try {
      return await operation()
    } catch (error) {
      if (!(error instanceof LedgerUnavailable) || clock.mono() >= until) throw error
      onRetry?.(error)
      await clock.sleep(
        backoffMs({ tries, baseMs: LEDGER_RETRY_BACKOFF_MS.base, maxMs: LEDGER_RETRY_BACKOFF_MS.max, rng }),
        signal,
      )
    }
  }
}

/** Runs an operation as `retryUntilDeadline` does. */
export type Retry = <T>(operation: () => Promise<T>) => Promise<T>

/** `retryUntilDeadline` with the same options for several operations, such as those of one attempt. */
export const createRetry =
  (options: RetryOptions): Retry =>
  (operation) =>
    retryUntilDeadline(operation, options)

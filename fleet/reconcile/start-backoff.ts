/**
 * The backoff of starts: none while starts succeed, longer after each failure in a row. Pure: a state and the time in, the next state out.
 */
import { backoffMs, type Rng } from '../../protocol/clock.ts'
import { WORKER_RESTART_MS } from '../../protocol/limits.ts'

/** The state of the backoff. Times are monotonic ms. */
export interface StartBackoff {
  /** Number of failed workers in a row. */
  readonly failures: number
  readonly failedAt: number
  /** Earliest time of the next start. */
  readonly notBefore: number
}

/** The state without a failure: the next worker may be started at once. */
export const NO_FAILURES: StartBackoff = {
  failures: 0,
  failedAt: Number.NEGATIVE_INFINITY,
  notBefore: Number.NEGATIVE_INFINITY,
}

/** How long the next start waits after one more failure, ms. */
export const nextWaitMs = ({ failures }: StartBackoff, rng: Rng): number =>
  backoffMs({ tries: failures, baseMs: WORKER_RESTART_MS.base, maxMs: WORKER_RESTART_MS.max, rng })

/** The state after one more failure. `now`: monotonic ms; the next start waits for `waitMs`. */
export const afterFailure = ({ failures }: StartBackoff, now: number, waitMs: number): StartBackoff => ({
  failures: failures + 1,
  failedAt: now,
  notBefore: now + waitMs,
})

/** The state in which the next failure counts as the first; a running wait continues. */
export const forgiven = (backoff: StartBackoff): StartBackoff => ({ ...backoff, failures: 0 })

/** Whether the wait after the last failure is over. */
export const mayStart = ({ notBefore }: StartBackoff, now: number): boolean => now >= notBefore

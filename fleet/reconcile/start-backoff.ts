/**
 * When the next worker may be started: at once while starts succeed, later after each failure in a row. Pure: a state and the time in, the
 * next state out.
 */
import { backoffMs, type Rng } from '../../protocol/clock.ts'
import { WORKER_RESTART_MS } from '../../protocol/limits.ts'

/** Times are of the own monotonic clock, ms. */
export interface StartBackoff {
  /** Workers in a row that failed. */
  readonly failures: number
  readonly failedAt: number
  /** No start before this. */
  readonly notBefore: number
}

/** No worker has failed yet: the next may be started at once. */
export const NO_FAILURES: StartBackoff = {
  failures: 0,
  failedAt: Number.NEGATIVE_INFINITY,
  notBefore: Number.NEGATIVE_INFINITY,
}

/** How long the next start waits when one more worker failed now, ms. */
export const nextWaitMs = ({ failures }: StartBackoff, rng: Rng): number =>
  backoffMs({ tries: failures, baseMs: WORKER_RESTART_MS.base, maxMs: WORKER_RESTART_MS.max, rng })

/** One more worker failed now, and the next start waits for `waitMs`. */
export const afterFailure = ({ failures }: StartBackoff, now: number, waitMs: number): StartBackoff => ({
  failures: failures + 1,
  failedAt: now,
  notBefore: now + waitMs,
})

/** The next failure counts as the first. A wait that has begun goes on. */
export const forgiven = (backoff: StartBackoff): StartBackoff => ({ ...backoff, failures: 0 })

/** Whether the wait after the last failure is over. */
export const mayStart = ({ notBefore }: StartBackoff, now: number): boolean => now >= notBefore

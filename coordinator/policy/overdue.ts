/**
 * Attempts that take far longer than a new one would, and whose peer says nothing by which that could be foreseen: it tells no progress, none
 * that rises, or all the time that it is nearly done. A machine that is only slow says so: its progress rises, and leaves much to do. Pure.
 */

/** Elapsed time after which an attempt is late, whatever is said of it: this many times a new attempt, and at least `LEAST_MS`. */
const TIMES = 4
const LEAST_MS = 60_000
/** Share of that time within which an attempt that is nearly done should end. */
const SOON = 0.25

/** Elapsed ms after which an attempt is overdue by the clock alone; infinite while the time of a new attempt is not known. */
export const overdueMs = (freshMs: number | null): number =>
  freshMs === null ? Number.POSITIVE_INFINITY : Math.max(LEAST_MS, TIMES * freshMs)

/** The time in which what is told of an attempt foresaw no later end. */
export interface Standstill {
  /** Ms, by any one clock. */
  readonly since: number
  /** Share done that was told then, 0–1; null: none. */
  readonly done: number | null
}

/** What is known of an attempt: as in `RunningAttemptView`. */
export interface Told {
  /** Share done, 0–1; null: none was told. */
  readonly done: number | null
  readonly elapsedMs: number
  readonly freshMs: number | null
}

/** The standstill of an attempt now, from what is told of it, and the one before. A peer that was heard tells also by its silence. */
export function standstillOf(told: Told, before: Standstill | undefined, now: number): Standstill {
  const { done } = told
  const hasRisen = done !== null && (before?.done == null || done > before.done)
  if (before && (!hasRisen || isNearlyDone(told))) return before
  return { since: now, done }
}

/** Whether, by the rate told, it ends soon. */
function isNearlyDone({ done, elapsedMs, freshMs }: Told): boolean {
  return done !== null && done > 0 && (elapsedMs * (1 - done)) / done <= SOON * overdueMs(freshMs)
}

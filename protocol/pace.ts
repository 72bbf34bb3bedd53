/**
 * How often everything that is open is looked at: at the usual interval while that is little, less often the more it is, so that such looks take a
 * small share of the time. What changes in between is found by its own event; a look at everything finds only what got no event.
 */
import type { Clock } from './clock.ts'
import { DUTY_MS, SWEEP_MS } from './limits.ts'

/** When the next look at everything is due. */
export interface Pace {
  isDue(): boolean
  /** A look begins that reads this number of documents: the next is due after the usual interval, or later where they are many. */
  looked(count: number): void
}

/** Longest time between two looks at everything that is open, the sweep among them, however much that is: a lost hint costs at most this. */
export const LOOKS_MAX_MS = 60_000

/** Number of documents that each look may read at the usual interval: 1 or 2 ms of work. */
export const FEW = 32

/** A pace whose first look is due. `everyMs`: the usual interval, ms; `fewMs`: that while there are few, 0 where the caller has its own. */
export function createPace(clock: Pick<Clock, 'mono'>, everyMs: number, fewMs = everyMs): Pace {
  let dueAt = Number.NEGATIVE_INFINITY
  return {
    isDue: () => clock.mono() >= dueAt,
    looked(count) {
      const longest = Math.max(everyMs, LOOKS_MAX_MS)
      dueAt = clock.mono() + (count <= FEW ? fewMs : Math.min(longest, (count / FEW) * everyMs))
    },
  }
}

/** Time from one sweep of this number of open videos to the next, ms: it reads twice what a look of the leader's duties reads. */
export const sweepMs = (count: number): number =>
  Math.min(LOOKS_MAX_MS, Math.max(SWEEP_MS, (count / FEW) * 2 * DUTY_MS))

/** Longest time between two looks of the leader at a video where at least this number is open, ms: a status shows no more than some of many. */
export const looksMs = (count: number): number => (count > FEW ? LOOKS_MAX_MS : SWEEP_MS)

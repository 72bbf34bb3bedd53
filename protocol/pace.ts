/**
 * How often everything that is open is looked at: at the usual interval while that is little, less often the more it is, so that such looks take a
 * small share of the time. What changes in between is found by its own event; a look at everything finds only what got no event.
 */
import type { Clock } from './clock.ts'
import { SWEEP_MS } from './limits.ts'

/** When the next look at everything is due. */
export interface Pace {
  isDue(): boolean
  /** A look begins that reads this number of documents: the next is due after the usual interval, or later where they are many. */
  looked(count: number): void
}

/** Number of documents that each look may read at the usual interval: 1 or 2 ms of work. */
export const FEW = 32

/** A pace whose first look is due. `everyMs`: the usual interval, ms; `fewMs`: that while there are few, 0 where the caller has its own. */
export function createPace(clock: Pick<Clock, 'mono'>, everyMs: number, fewMs = everyMs): Pace {
  let dueAt = Number.NEGATIVE_INFINITY
  return {
    isDue: () => clock.mono() >= dueAt,
    looked(count) {
      const longest = Math.max(everyMs, SWEEP_MS)
      dueAt = clock.mono() + (count <= FEW ? fewMs : Math.min(longest, (count / FEW) * everyMs))
    },
  }
}

/** Calls the sweep of the ledger, which repairs what a crash between two writes left: when a term begins, and every `SWEEP_MS`. */
import { SWEEP_MS } from '../../protocol/limits.ts'
import type { Duty, TermContext } from '../duty.ts'

/** The parts of the term that this duty uses. */
export type SweepContext = Pick<TermContext, 'term' | 'ledger' | 'clock' | 'log' | 'hints'>

/** The duty that sweeps, for one term. */
export function createSweep({ ledger, clock, log, term, hints }: SweepContext): Duty {
  let last = Number.NEGATIVE_INFINITY
  return {
    name: 'sweep',
    async round() {
      if (clock.mono() - last < SWEEP_MS) return
      const { repaired } = await ledger.sweep(term)
      last = clock.mono()
      if (repaired === 0) return
      log.info('the sweep repaired documents', { repaired })
      hints.publish({ what: 'tasks', video: null })
    },
  }
}

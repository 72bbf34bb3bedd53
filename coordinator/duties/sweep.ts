/** Calls the sweep of the ledger, which repairs what a crash between two writes left: when a term begins, and every `sweepMs`. */
import { sweepMs } from '../../protocol/pace.ts'
import type { Duty, TermContext } from '../duty.ts'

/** The parts of the term that this duty uses. */
export type SweepContext = Pick<TermContext, 'term' | 'openVideos' | 'ledger' | 'clock' | 'log' | 'hints'>

/** The duty that sweeps, for one term. */
export function createSweep({ ledger, openVideos, clock, log, term, hints }: SweepContext): Duty {
  let last = Number.NEGATIVE_INFINITY
  return {
    name: 'sweep',
    async round() {
      if (clock.mono() - last < sweepMs(openVideos.count())) return
      const { repaired } = await ledger.sweep(term)
      last = clock.mono()
      if (repaired === 0) return
      log.info('the sweep repaired documents', { repaired })
      hints.publish({ what: 'tasks', video: null })
    },
  }
}

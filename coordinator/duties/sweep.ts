/** Repairs what a crash left between two writes, at takeover and every `SWEEP_MS`: the ledger knows how. */
import { SWEEP_MS } from '../../protocol/limits.ts'
import type { Duty, TermContext } from '../duty.ts'

export type SweepContext = Pick<TermContext, 'term' | 'ledger' | 'clock' | 'log' | 'hints'>

export function createSweep({ ledger, clock, log, term, hints }: SweepContext): Duty {
  let last = Number.NEGATIVE_INFINITY
  return {
    name: 'sweep',
    async round() {
      if (clock.mono() - last < SWEEP_MS) return
      const { repaired } = await ledger.sweep(term)
      last = clock.mono()
      if (repaired === 0) return
      log.info('swept', { repaired })
      hints.publish({ what: 'tasks', video: null })
    },
  }
}

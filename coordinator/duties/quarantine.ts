/**
 * Quarantines peers that fail tasks which other peers then complete. `policy/quarantine.ts` decides from the newest COMPLETED tasks. The peer
 * reads its record and claims no encodes until the quarantine ends, or a person resumes it.
 */
import { OUTCOMES_READ, QUARANTINE_CHECK_MS } from '../../protocol/limits.ts'
import type { Duty, TermContext } from '../duty.ts'
import { peersToQuarantine } from '../policy/quarantine.ts'

/** The parts of the term that this duty uses. */
export type QuarantineContext = Pick<TermContext, 'ledger' | 'clock' | 'emit' | 'hints' | 'peers'>

/** The duty that quarantines peers, for one term. */
export function createQuarantine(context: QuarantineContext): Duty {
  const { ledger, clock } = context
  let lookedAt = Number.NEGATIVE_INFINITY

  return {
    name: 'quarantine',
    async round() {
      if (clock.mono() - lookedAt < QUARANTINE_CHECK_MS) return
      lookedAt = clock.mono()
      const outcomes = await ledger.outcomes(OUTCOMES_READ)
      if (outcomes.every(({ failures }) => failures.length === 0)) return
      const [records, now] = [await ledger.peers(), await ledger.now()]
      for (const { peer, reason, ...period } of peersToQuarantine({ outcomes, records, now })) {
        const seen = records.find(({ _id }) => _id === peer)?.quarantined_until ?? null
        if ((await ledger.quarantine(peer, { ...period, reason, seen })) !== 'changed') continue
        const name = context.peers.get(peer)?.beat.name || peer
        context.hints.publish({ what: 'peers', video: null })
        await context.emit({ code: 'quarantined', peer, name, ...period, reason })
      }
    },
  }
}

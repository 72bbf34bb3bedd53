/**
 * Quarantines peers that fail tasks which other peers then complete. `policy/quarantine.ts` decides from the newest COMPLETED tasks. The peer
 * reads its record and claims no encodes until the quarantine ends, or a person resumes it.
 */
import { COMPLETED_LATE_MS, OUTCOMES_READ, QUARANTINE_CHECK_MS } from '../../protocol/limits.ts'
import type { Duty, TermContext } from '../duty.ts'
import { peersToQuarantine } from '../policy/quarantine.ts'

/** The parts of the term that this duty uses. */
export type QuarantineContext = Pick<TermContext, 'ledger' | 'clock' | 'emit' | 'hints' | 'peers'>

/** Checks that are left out while no task runs: there is hardly an outcome to look at. */
const LEFT_OUT = 4

/** The duty that quarantines peers, for one term. `noneRuns`: whether it is known that no task is PROCESSING. */
export function createQuarantine(context: QuarantineContext, noneRuns: () => boolean = () => false): Duty {
  const { ledger, clock } = context
  let lookedAt = Number.NEGATIVE_INFINITY
  /** Up to when outcomes were looked at, ledger time, ms; null: none were. */
  let known: number | null = null

  return {
    name: 'quarantine',
    async round() {
      if (clock.mono() - lookedAt < (noneRuns() ? 1 + LEFT_OUT : 1) * QUARANTINE_CHECK_MS) return
      lookedAt = clock.mono()
      const until = await ledger.now()
      // Without a new outcome those that are there say what they said.
      if (known !== null && (await ledger.completedSince(known - COMPLETED_LATE_MS)).length === 0) return
      if (await quarantineAll(context, until)) known = until
    },
  }
}

/** Whether each peer that the outcomes speak against is quarantined now; false where its record changed meanwhile. */
async function quarantineAll({ ledger, hints, emit, peers }: QuarantineContext, now: number): Promise<boolean> {
  const outcomes = await ledger.outcomes(OUTCOMES_READ)
  if (outcomes.every(({ failures }) => failures.length === 0)) return true
  const records = await ledger.peers()
  let areDone = true
  for (const { peer, reason, ...period } of peersToQuarantine({ outcomes, records, now })) {
    const seen = records.find(({ _id }) => _id === peer)?.quarantined_until ?? null
    const isChanged = (await ledger.quarantine(peer, { ...period, reason, seen })) === 'changed'
    areDone &&= isChanged
    if (!isChanged) continue
    hints.publish({ what: 'peers', video: null })
    await emit({ code: 'quarantined', peer, name: peers.get(peer)?.beat.name || peer, ...period, reason })
  }
  return areDone
}

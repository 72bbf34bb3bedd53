/**
 * What may never happen with bad peers: that one in quarantine goes on claiming encodes, or that one which spoils chunk after
 * chunk is left at it. Both with the time that noticing may take: a hint may be lost, a claim be on its way, a leader be gone.
 */
import { distrusted } from '../../coordinator/policy/trust.ts'
import type { Steps } from '../../node/ledger/steps.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { OUTCOMES_READ } from '../../protocol/limits.ts'

export interface TrustRules {
  failed(worker: PeerId): void
  quarantined(worker: PeerId): void
  /** The rule that this claim of an encode breaks, or null. */
  claimed(worker: PeerId): Promise<string | null>
}

/** The record is read again after 7.5 s; a claim may be late by 20 s, after its worker was frozen for 20. */
const NOTICED_MS = 50_000
/** Leaders may be frozen, cut off or dead for a while. */
const JUDGED_MS = 60_000

export function createTrustRules(options: { steps: Steps; now(): number; elapsed(): number }): TrustRules {
  const { steps, now, elapsed } = options
  const failing = new Set<PeerId>()
  const quarantinedAt = new Map<PeerId, number>()
  const badSince = new Map<PeerId, number>()
  return {
    failed: (worker) => void failing.add(worker),
    quarantined: (worker) => void quarantinedAt.set(worker, elapsed()),
    async claimed(worker) {
      if (!failing.has(worker)) return null
      const records = await steps.peers()
      const until = records.find(({ _id }) => _id === worker)?.quarantined_until ?? 0
      const heldFor = elapsed() - (quarantinedAt.get(worker) ?? elapsed())
      if (until > now() && heldFor > NOTICED_MS)
        return `${worker} claimed an encode although it has been in quarantine for ${heldFor} ms`
      const outcomes = await steps.outcomes(OUTCOMES_READ)
      if (!distrusted({ outcomes, records, now: now() }).some(({ peer }) => peer === worker)) {
        badSince.delete(worker)
        return null
      }
      const since = badSince.get(worker) ?? elapsed()
      badSince.set(worker, since)
      return elapsed() - since > JUDGED_MS ? `${worker} spoils chunk after chunk and nobody quarantines it` : null
    },
  }
}

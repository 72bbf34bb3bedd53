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

/**
 * How long a quarantined peer may go on, and a bad one be overlooked. On a quiet day the record is read again after 7.5 s and peers
 * are judged every 2 s; else a claim may be late by 20 s, after its worker was frozen for 20, and leaders be gone for a while.
 */
const PATIENCE = {
  quiet: { noticedMs: 12_000, judgedMs: 15_000 },
  bad: { noticedMs: 50_000, judgedMs: 60_000 },
} as const

export interface TrustOptions {
  readonly steps: Steps
  now(): number
  elapsed(): number
  readonly day: keyof typeof PATIENCE
}

export function createTrustRules({ steps, now, elapsed, day }: TrustOptions): TrustRules {
  const { noticedMs, judgedMs } = PATIENCE[day]
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
      if (until > now() && heldFor > noticedMs)
        return `${worker} claimed an encode although it has been in quarantine for ${heldFor} ms`
      const outcomes = await steps.outcomes(OUTCOMES_READ)
      if (!distrusted({ outcomes, records, now: now() }).some(({ peer }) => peer === worker)) {
        badSince.delete(worker)
        return null
      }
      const since = badSince.get(worker) ?? elapsed()
      badSince.set(worker, since)
      return elapsed() - since > judgedMs ? `${worker} spoils chunk after chunk and nobody quarantines it` : null
    },
  }
}

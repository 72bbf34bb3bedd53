/**
 * What may never happen with bad peers: that one in quarantine goes on claiming encodes, or that one which fails chunk after
 * chunk is left at it. Both with the time that noticing may take: a hint may be lost, a claim be on its way, a leader be gone.
 */
import { peersToQuarantine } from '../../coordinator/policy/quarantine.ts'
import type { Steps } from '../../ledger/steps.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { OUTCOMES_READ } from '../../protocol/limits.ts'

export interface QuarantineRules {
  failed(worker: PeerId): void
  /** A task was committed. */
  completed(): Promise<void>
  quarantined(worker: PeerId): void
  /** The rule that this claim of an encode breaks, or null. */
  claimed(worker: PeerId): Promise<string | null>
}

/**
 * How long a quarantined peer may go on, and a bad one be overlooked. On a quiet day the record is read again after 7.5 s and peers
 * are checked every 2 s; else a claim may be late by 20 s, after its worker was frozen for 20, and leaders be gone for a while.
 */
const LIMITS = {
  quiet: { noticedMs: 12_000, checkedMs: 8_000 },
  bad: { noticedMs: 50_000, checkedMs: 60_000 },
} as const

export interface QuarantineRulesOptions {
  readonly steps: Steps
  now(): number
  elapsed(): number
  readonly day: keyof typeof LIMITS
}

export function createQuarantineRules({ steps, now, elapsed, day }: QuarantineRulesOptions): QuarantineRules {
  const { noticedMs, checkedMs } = LIMITS[day]
  const failing = new Set<PeerId>()
  const quarantinedAt = new Map<PeerId, number>()
  const badSince = new Map<PeerId, number>()
  /** Who is bad by now, and since when it could be known. */
  async function look(): Promise<void> {
    if (failing.size === 0) return
    const [outcomes, records] = [await steps.outcomes(OUTCOMES_READ), await steps.peers()]
    const bad = new Set(peersToQuarantine({ outcomes, records, now: now() }).map(({ peer }) => peer))
    for (const peer of failing) {
      if (!bad.has(peer)) badSince.delete(peer)
      else if (!badSince.has(peer)) badSince.set(peer, elapsed())
    }
  }

  return {
    completed: look,
    failed: (worker) => void failing.add(worker),
    quarantined(worker) {
      quarantinedAt.set(worker, elapsed())
      failing.add(worker)
    },
    async claimed(worker) {
      if (!failing.has(worker)) return null
      const records = await steps.peers()
      const until = records.find(({ _id }) => _id === worker)?.quarantined_until ?? 0
      const heldFor = elapsed() - (quarantinedAt.get(worker) ?? elapsed())
      if (until > now() && heldFor > noticedMs)
        return `${worker} claimed an encode although it has been in quarantine for ${heldFor} ms`
      await look()
      const since = badSince.get(worker) ?? elapsed()
      return elapsed() - since > checkedMs ? `${worker} fails chunk after chunk and is not quarantined` : null
    },
  }
}

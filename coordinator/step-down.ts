/**
 * Stepping down: a leader that may be cut off, or fails at its work, releases the lease and does not run for it for a while, so that another
 * peer can lead. Where no peer takes the lease, this one leads again: a bad leader is better than none.
 */
import type { Clock } from '../protocol/clock.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { LEASE_MS } from '../protocol/limits.ts'

/** Whether this peer has stepped down. */
export interface StepDown {
  /** Steps down, for the time of `STEPPED_DOWN_MS`; false where it had stepped down already, and then the first reason stays. */
  stepDown(reason: string): boolean
  /** Why this peer does not run for the lease now, or null. Rejects with `LedgerUnavailable`. */
  reason(): Promise<string | null>
}

const STEPPED_DOWN_MS = 30_000
/** Time within which other peers ask for a free lease. */
const VACANT_MS = LEASE_MS

/** A peer that has not stepped down. */
export function createStepDown(
  { self }: { readonly self: PeerId },
  { clock, ledger }: { readonly clock: Clock; readonly ledger: Pick<Ledger, 'lease'> },
): StepDown {
  let last = { at: Number.NEGATIVE_INFINITY, reason: '' }
  const agoMs = () => clock.mono() - last.at
  return {
    stepDown(reason) {
      const isNew = agoMs() >= STEPPED_DOWN_MS
      if (isNew) last = { at: clock.mono(), reason }
      return isNew
    },
    async reason() {
      if (agoMs() >= STEPPED_DOWN_MS) return null
      if (agoMs() < VACANT_MS) return last.reason
      const { holder, remaining_ms } = await ledger.lease()
      return remaining_ms > 0 && holder !== self ? last.reason : null
    },
  }
}

/**
 * A leader that doubts itself gives the lease back and does not run for it for a while, so that another may do better. Where nobody
 * takes it in that time it leads again, without asking itself once more: a doubtful leader is better than none.
 */
import type { Clock } from '../protocol/clock.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { LEASE_MS } from '../protocol/limits.ts'

export interface StepDown {
  /** Its first reason counts, until its time is over; false where it had stepped down already. */
  stepDown(reason: string): boolean
  /** Why this peer does not run now, or null. Rejects where the ledger cannot say who leads. */
  reason(): Promise<string | null>
}

const STEPPED_DOWN_MS = 30_000
/** Others ask for a free lease well within one of its lives. */
const VACANT_MS = LEASE_MS

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

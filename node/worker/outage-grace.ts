/**
 * Whether the ledger was away a moment ago. Claims that expired meanwhile are then left alone for two renewal intervals: who was
 * only cut off, as this worker was, renews them first. A question that was answered late counts as an outage, too: the one
 * before it may have been given up long ago.
 */
import type { Clock } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { EXPIRED_GRACE_MS, RENEW_MS } from '../../protocol/limits.ts'

export interface OutageGrace {
  /** Asks, and remembers what the answer says about the ledger. */
  watch<T>(ask: () => Promise<T>): Promise<T>
  /** The ledger is away, or was until now. */
  noticed(): void
  /** Whether expired claims may be taken. */
  isOver(): boolean
}

export function createOutageGrace(clock: Clock): OutageGrace {
  let graceUntil = Number.NEGATIVE_INFINITY
  const noticed = () => {
    graceUntil = clock.mono() + EXPIRED_GRACE_MS
  }
  return {
    noticed,
    isOver: () => clock.mono() >= graceUntil,
    async watch(ask) {
      const asked = clock.mono()
      try {
        const answer = await ask()
        if (clock.mono() - asked >= RENEW_MS) noticed()
        return answer
      } catch (error) {
        if (error instanceof LedgerUnavailable) noticed()
        throw error
      }
    },
  }
}

/**
 * Ledger-outage grace: after an outage of the ledger this worker claims no expired tasks for two renewal intervals, so that owners that were cut
 * off as well renew first. A call that was answered late counts as an outage too: earlier ones may have been given up.
 */
import type { Clock } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { EXPIRED_GRACE_MS, RENEW_MS } from '../../protocol/limits.ts'

/** The last outage of the ledger, as this worker noticed it. */
export interface OutageGrace {
  /** Calls `ask`, and records an outage where it fails or is late. Answers and rejects as `ask`. */
  watch<T>(ask: () => Promise<T>): Promise<T>
  /** Records that the ledger is or was unavailable. */
  noticed(): void
  /** Whether expired tasks may be claimed. */
  isOver(): boolean
}

/** Makes a grace without an outage. */
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

/**
 * Videos that have bytes here but may not be in the ledger yet: housekeeping leaves them alone. One whose submit got no answer stays young
 * for a while, as it may have been written and may be asked for again; then the ledger's word counts.
 */
import type { Clock } from '../../protocol/clock.ts'
import { PENDING_SUBMIT_MS } from '../../protocol/limits.ts'

export interface Young {
  has(video: string): boolean
  /** A submit begins. */
  begin(video: string): void
  /** The ledger has it. */
  settle(video: string): void
  /** Nobody knows whether the ledger has it. */
  doubt(video: string): void
  /** It was seen there: an end of doubt, and none of a submit that runs. */
  seen(video: string): void
}

export function createYoung(clock: Pick<Clock, 'mono'>): Young {
  /** Until when each counts as young, by the monotonic clock. */
  const until = new Map<string, number>()
  return {
    has: (video) => clock.mono() < (until.get(video) ?? Number.NEGATIVE_INFINITY),
    begin: (video) => void until.set(video, Number.POSITIVE_INFINITY),
    settle: (video) => void until.delete(video),
    seen(video) {
      if (until.get(video) !== Number.POSITIVE_INFINITY) until.delete(video)
    },
    doubt(video) {
      for (const [each, end] of until) if (end <= clock.mono()) until.delete(each)
      until.set(video, clock.mono() + PENDING_SUBMIT_MS)
    },
  }
}

/**
 * Submits that the ledger has not confirmed: housekeeping retains the blobs of their videos. One that got no answer stays pending for
 * a while, as it may have been written and may be asked for again; then the ledger decides.
 */
import type { Clock } from '../../protocol/clock.ts'
import { PENDING_SUBMIT_MS } from '../../protocol/limits.ts'

export interface PendingSubmits {
  has(video: string): boolean
  /** A submit begins. */
  begin(video: string): void
  /** The ledger has it. */
  confirmed(video: string): void
  /** The submit got no answer: the ledger may have it or not. */
  unanswered(video: string): void
  /** It was seen in the ledger: ends what got no answer, but not a submit that runs. */
  seen(video: string): void
}

export function createPendingSubmits(clock: Pick<Clock, 'mono'>): PendingSubmits {
  /** Until when each is pending, by the monotonic clock. */
  const until = new Map<string, number>()
  return {
    has: (video) => clock.mono() < (until.get(video) ?? Number.NEGATIVE_INFINITY),
    begin: (video) => void until.set(video, Number.POSITIVE_INFINITY),
    confirmed: (video) => void until.delete(video),
    seen(video) {
      if (until.get(video) !== Number.POSITIVE_INFINITY) until.delete(video)
    },
    unanswered(video) {
      for (const [each, end] of until) if (end <= clock.mono()) until.delete(each)
      until.set(video, clock.mono() + PENDING_SUBMIT_MS)
    },
  }
}

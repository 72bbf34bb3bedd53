/**
 * Submits that the ledger has not confirmed: housekeeping retains the blobs of their videos. One that got no answer stays pending for
 * a while, as it may have been written and may be asked for again; then the ledger decides.
 */
import type { Clock } from '../../protocol/clock.ts'
import { PENDING_SUBMIT_MS } from '../../protocol/limits.ts'

/** The pending submits of this node, by video id. No method throws. */
export interface PendingSubmits {
  has(video: string): boolean
  /** Number of submits that have begun, of any video: the same before and after a wait shows that none began meanwhile. */
  begun(): number
  /** A submit begins. */
  begin(video: string): void
  /** The ledger has confirmed the submit. */
  confirmed(video: string): void
  /** The submit got no answer: the ledger may have it or not. It stays pending for `PENDING_SUBMIT_MS`. */
  unanswered(video: string): void
  /** The video was read from the ledger: ends an unanswered submit, but not one that runs. */
  seen(video: string): void
}

/** Makes the set, empty. */
export function createPendingSubmits(clock: Pick<Clock, 'mono'>): PendingSubmits {
  /** Until when each is pending, monotonic ms. */
  const until = new Map<string, number>()
  let begun = 0
  return {
    begun: () => begun,
    has: (video) => clock.mono() < (until.get(video) ?? Number.NEGATIVE_INFINITY),
    begin(video) {
      begun++
      until.set(video, Number.POSITIVE_INFINITY)
    },
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

/**
 * A wait that a hint may end early. Loops that poll the ledger wait on a notifier: a lost hint costs only the poll interval.
 * Notifications are not counted; one without a running wait is remembered for the next wait. The first few end a wait at once, as one step of a
 * film follows the other; in a flood of them each ends a wait only a gap after the last that did.
 */
import type { Clock } from './clock.ts'
import { NOTIFIED_AT_ONCE, NOTIFIED_GAP_MS } from './limits.ts'

/** One wake-up signal for any number of waits. */
export interface Notifier {
  /** Ends every wait that runs now; without one, the next wait ends at once. Both not before the gap is over. Never throws. */
  notify(): void
  /** Resolves after `ms`, or at the next `notify`. Rejects with the signal's reason when it aborts first. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** A notifier whose waits are measured by this clock, as is `gapMs`. Leaves no timer or listener behind. */
export function createNotifier(clock: Clock, gapMs = NOTIFIED_GAP_MS): Notifier {
  let isNotified = false
  /** The time by which all waits so far would have been ended, a gap apart. */
  let evenAt = Number.NEGATIVE_INFINITY
  /** Each ends its wait so many ms from now. */
  const waiters = new Set<(restMs: number) => void>()
  const restOfGap = () => Math.max(0, evenAt - (NOTIFIED_AT_ONCE - 1) * gapMs - clock.mono())
  const count = () => {
    evenAt = Math.max(evenAt, clock.mono()) + gapMs
  }
  return {
    notify() {
      const restMs = restOfGap()
      if (waiters.size === 0) isNotified = true
      else if (restMs === 0) count()
      for (const endIn of waiters) endIn(restMs)
    },
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const endsAt = clock.mono() + ms
        const leave = (settle: () => void) => {
          stopTimer()
          waiters.delete(endIn)
          signal.removeEventListener('abort', onAbort)
          settle()
        }
        const onAbort = () => leave(() => reject(signal.reason))
        const wake = () => {
          count()
          leave(resolve)
        }
        const endIn = (restMs: number) => {
          if (restMs === 0) return leave(resolve)
          stopTimer()
          stopTimer = clock.timer(Math.max(0, Math.min(restMs, endsAt - clock.mono())), wake)
        }
        let stopTimer = isNotified
          ? clock.timer(Math.min(restOfGap(), ms), wake)
          : clock.timer(ms, () => leave(resolve))
        isNotified = false
        waiters.add(endIn)
        signal.addEventListener('abort', onAbort, { once: true })
      }),
  }
}

/**
 * A wait that a hint may end early. Loops that poll the ledger wait on a notifier: a lost hint costs only the poll interval.
 * Notifications are not counted; one without a running wait is remembered for the next wait. The first ends a wait at once; further ones only
 * a gap after the last that did, so that a flood of hints causes no more looks than that.
 */
import type { Clock } from './clock.ts'
import { NOTIFIED_GAP_MS } from './limits.ts'

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
  let endedAt = Number.NEGATIVE_INFINITY
  /** Each ends its wait so many ms from now. */
  const waiters = new Set<(restMs: number) => void>()
  const restOfGap = () => Math.max(0, endedAt + gapMs - clock.mono())
  return {
    notify() {
      const restMs = restOfGap()
      if (waiters.size === 0) isNotified = true
      else if (restMs === 0) endedAt = clock.mono()
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
          endedAt = clock.mono()
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

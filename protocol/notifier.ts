/**
 * A wait that a hint may end early. Loops that poll the ledger wait on a notifier: a lost hint costs only the poll interval.
 * Notifications are not counted; one without a running wait is remembered for the next wait.
 */
import type { Clock } from './clock.ts'

/** One wake-up signal for any number of waits. */
export interface Notifier {
  /** Ends every wait that runs now; without one, the next wait ends at once. Never throws. */
  notify(): void
  /** Resolves after `ms`, or at the next `notify`. Rejects with the signal's reason when it aborts first. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** A notifier whose waits are measured by this clock. Leaves no timer or listener behind. */
export function createNotifier(clock: Clock): Notifier {
  let isNotified = false
  const waiters = new Set<() => void>()
  return {
    notify() {
      if (waiters.size === 0) isNotified = true
      for (const wake of waiters) wake()
    },
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const leave = (settle: () => void) => {
          stopTimer()
          waiters.delete(wake)
          signal.removeEventListener('abort', onAbort)
          settle()
        }
        const wake = () => leave(resolve)
        const onAbort = () => leave(() => reject(signal.reason))
        const stopTimer = clock.timer(isNotified ? 0 : ms, wake)
        isNotified = false
        waiters.add(wake)
        signal.addEventListener('abort', onAbort, { once: true })
      }),
  }
}

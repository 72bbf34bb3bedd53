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
  /** The time by which all looks so far would have been made, a gap apart. */
  let evenAt = Number.NEGATIVE_INFINITY
  const waiters = new Set<() => void>()
  let stopWake: (() => void) | null = null
  const cancelWake = () => {
    stopWake?.()
    stopWake = null
  }
  const wake = () => {
    cancelWake()
    evenAt = Math.max(evenAt, clock.mono()) + gapMs
    for (const end of [...waiters]) end()
  }
  const wakeSoon = () => {
    const restMs = evenAt - (NOTIFIED_AT_ONCE - 1) * gapMs - clock.mono()
    if (restMs > 0) stopWake ??= clock.timer(restMs, wake)
    else wake()
  }
  return {
    notify() {
      if (waiters.size === 0) isNotified = true
      else wakeSoon()
    },
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const leave = (settle: () => void) => {
          stopTimer()
          waiters.delete(end)
          // Who waited looks now in any case.
          if (waiters.size === 0) cancelWake()
          signal.removeEventListener('abort', onAbort)
          settle()
        }
        const onAbort = () => leave(() => reject(signal.reason))
        const end = () => leave(resolve)
        const stopTimer = clock.timer(ms, end)
        waiters.add(end)
        signal.addEventListener('abort', onAbort, { once: true })
        if (isNotified) wakeSoon()
        isNotified = false
      }),
  }
}

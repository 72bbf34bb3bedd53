/**
 * A wait that a hint may cut short. Loops that poll the ledger wait on a bell: lost hints only cost the poll interval.
 * Rings are not counted; one that comes while nobody waits is remembered for the next wait.
 */
import type { Clock } from './clock.ts'

/** One wake-up signal, for any number of waits. */
export interface Bell {
  ring(): void
  /** Resolves after `ms`, or at the next ring. Rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

/** Waits by this clock. */
export function createBell(clock: Clock): Bell {
  let rung = false
  const sleepers = new Set<() => void>()
  return {
    ring() {
      if (sleepers.size === 0) rung = true
      for (const wake of sleepers) wake()
    },
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const leave = (settle: () => void) => {
          stopTimer()
          sleepers.delete(wake)
          signal.removeEventListener('abort', onAbort)
          settle()
        }
        const wake = () => leave(resolve)
        const onAbort = () => leave(() => reject(signal.reason))
        const stopTimer = clock.timer(rung ? 0 : ms, wake)
        rung = false
        sleepers.add(wake)
        signal.addEventListener('abort', onAbort, { once: true })
      }),
  }
}

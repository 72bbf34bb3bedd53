/**
 * Detects event-loop stalls: this process was stopped, swapped out or blocked. For a while after a stall failure detection is
 * suspended, as the silence of others may be this process's own.
 */
import type { Clock } from '../protocol/clock.ts'
import { STALL_GRACE_MS, STALL_MS } from '../protocol/limits.ts'

const TICK_MS = 250

/** Runs until `stop`. */
export interface StallWatch {
  /** Monotonic ms until which failure detection is suspended; in the past when it is not. */
  graceUntil(): number
  stop(): void
}

/** Starts to watch; `onStall` is called after each stall longer than `STALL_MS`, with its length. */
export function watchStalls(clock: Clock, onStall: (stalledMs: number) => void = () => {}): StallWatch {
  let last = clock.mono()
  let until = Number.NEGATIVE_INFINITY
  // `graceUntil` checks too: after a stall other timers may fire before this one.
  const look = () => {
    const now = clock.mono()
    const late = now - last - TICK_MS
    last = now
    if (late <= STALL_MS) return
    until = now + STALL_GRACE_MS
    onStall(late)
  }
  const tick = () => {
    look()
    cancel = clock.timer(TICK_MS, tick)
  }
  let cancel = clock.timer(TICK_MS, tick)
  return {
    graceUntil: () => {
      look()
      return until
    },
    stop: () => cancel(),
  }
}

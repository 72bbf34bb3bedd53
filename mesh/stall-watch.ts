/**
 * Notices when this process itself stood still (stopped, swapped out, a blocked event loop). For a while after that the
 * node judges nobody: what looks like the silence of others was its own.
 */
import type { Clock } from '../protocol/clock.ts'
import { STALL_GRACE_MS, STALL_MS } from '../protocol/limits.ts'

const TICK_MS = 250

export interface StallWatch {
  /** Monotonic time until which nobody is judged; in the past when all is well. */
  graceUntil(): number
  stop(): void
}

export function watchStalls(clock: Clock, onStall: (stalledMs: number) => void = () => {}): StallWatch {
  let last = clock.mono()
  let until = Number.NEGATIVE_INFINITY
  // Asked inline too: after a stall other timers may fire before this one.
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

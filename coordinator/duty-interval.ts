/**
 * How often the duties of a term run without a hint: less often where no task runs and no hint came for a while, and then all at the same times, so
 * that one read of the ledger serves those that look at the same (`open-videos.ts`).
 */
import type { Clock } from '../protocol/clock.ts'
import { HINT_KINDS } from '../protocol/hint.ts'
import type { Hints } from '../protocol/hints.ts'
import { DUTY_MS, QUIET_AFTER_MS, QUIET_DUTY_MS } from '../protocol/limits.ts'

/** Time between two of these times: a little more than the pauses that some duties make themselves, so that a late timer doubles none of them. */
const EVERY_MS = QUIET_DUTY_MS + 50

/** The interval of the duties of a term. */
export interface DutyInterval {
  /** The time to the next round, ms. */
  ms(): number
  /** Ends its subscription to hints. */
  stop(): void
}

/** Makes it: at first as if a hint had just come. `areRunning`: whether some task runs, as far as is known. */
export function createDutyInterval(
  { clock, hints }: { readonly clock: Pick<Clock, 'mono'>; readonly hints: Pick<Hints, 'on'> },
  areRunning: () => boolean,
): DutyInterval {
  const began = clock.mono()
  let busyAt = began
  const stop = hints.on(HINT_KINDS, () => {
    busyAt = clock.mono()
  })
  return {
    stop,
    ms() {
      if (areRunning()) busyAt = clock.mono()
      const now = clock.mono()
      return now - busyAt < QUIET_AFTER_MS ? DUTY_MS : EVERY_MS - ((now - began) % EVERY_MS)
    },
  }
}

/** How often the duties of a term run without a hint: less often where no task runs and no hint came for a while. */
import type { Clock } from '../protocol/clock.ts'
import { HINT_KINDS } from '../protocol/hint.ts'
import type { Hints } from '../protocol/hints.ts'
import { DUTY_MS, QUIET_AFTER_MS, QUIET_DUTY_MS } from '../protocol/limits.ts'

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
  let busyAt = clock.mono()
  const stop = hints.on(HINT_KINDS, () => {
    busyAt = clock.mono()
  })
  return {
    stop,
    ms() {
      if (areRunning()) busyAt = clock.mono()
      return clock.mono() - busyAt < QUIET_AFTER_MS ? DUTY_MS : QUIET_DUTY_MS
    },
  }
}

/** A periodic job: runs at an interval, and at once when its notifier is notified. */

import { sentence } from './errors.ts'
import type { Log } from './log.ts'
import type { Notifier } from './notifier.ts'

/** A periodic job: its name, its interval, and one round of it. */
export interface Rounds {
  /** The name of the job in the log. */
  readonly name: string
  /** Time from the end of one round to the next, ms; a function is asked after each round. */
  readonly everyMs: number | (() => number)
  /** May reject: that is logged, and the next round runs as usual. */
  round(signal: AbortSignal): Promise<void>
}

/** Runs the rounds until the signal aborts. Resolves when the last round has ended. Never rejects. */
export async function runRounds(
  { name, everyMs, round }: Rounds,
  { notifier, log }: { readonly notifier: Notifier; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await round(signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn('periodic job failed; retrying', { round: name, error: sentence(error) })
    })
    await notifier.wait(typeof everyMs === 'number' ? everyMs : everyMs(), signal).catch(() => {})
  }
}

/** A job that is done again and again: every so often, and at once when its bell rings. */

import { sentence } from './errors.ts'
import type { Log } from './log.ts'
import type { Notifier } from './notifier.ts'

/** The job: its name, how often, and one round of it. */
export interface Rounds {
  /** For the log. */
  readonly name: string
  /** From the end of one round to the next, ms. */
  readonly everyMs: number
  /** May reject: it is then logged and tried again. */
  round(signal: AbortSignal): Promise<void>
}

/** Resolves once the signal has aborted and the round that ran then has ended. Never rejects. */
export async function runRounds(
  { name, everyMs, round }: Rounds,
  { notifier, log }: { readonly notifier: Notifier; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await round(signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn('a round failed and is tried again', { round: name, error: sentence(error) })
    })
    await notifier.wait(everyMs, signal).catch(() => {})
  }
}

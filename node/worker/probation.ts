/**
 * A worker that failed holds back before it claims again (DESIGN §7): it waits 1, 2, 4 … 60 s, makes a trial run, and claims
 * only when that works. So a machine that broke spoils one task and not every one it can get hold of.
 *
 *   sound ── own failure ──► waiting ── time is over: trial run ──► works: claims again ── a success ──► sound
 *                               ▲                       └─ fails: unproved ─┐
 *                               └───────────── longer each time ◄───────────┘
 *
 * Encodes and desk work hold back each for itself, so that chunks that cannot be encoded do not delay a merge; a trial that
 * fails stops both, as it is the same ffmpeg.
 */
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import { OWN_FAILURE_MS } from '../../protocol/limits.ts'

export interface ProbationOptions {
  readonly clock: Clock
  readonly rng: Rng
  /** One trial run of this machine's ffmpeg. Rejects with the reason where it does not work. */
  trial(signal: AbortSignal): Promise<void>
  /** Told when a trial fails after one that worked, with the reason, and with null when it works again. */
  told(reason: string | null): void
}

export interface Lane {
  /** A failure of its own: longer each time, then a trial run. */
  failed(): void
  /** What failed was not its doing, such as a missing input: a moment, so that it does not run through all tasks. */
  hindered(): void
  succeeded(): void
  /** Ms until this lane may claim, 0 where it may now. Makes the trial run that is due; rejects only when aborted. */
  waitMs(signal: AbortSignal): Promise<number>
}

export interface Probation {
  lane(): Lane
  /** The last trial failed. */
  isUnproved(): boolean
}

export function createProbation({ clock, rng, trial, told }: ProbationOptions): Probation {
  let unproved = { tries: 0, until: Number.NEGATIVE_INFINITY }
  let running: Promise<void> | null = null

  const wait = (tries: number): number =>
    backoffMs({ tries, baseMs: OWN_FAILURE_MS.base, maxMs: OWN_FAILURE_MS.max, rng })

  async function tryOut(signal: AbortSignal): Promise<void> {
    try {
      await trial(signal)
      if (unproved.tries > 0) told(null)
      unproved = { tries: 0, until: Number.NEGATIVE_INFINITY }
    } catch (error) {
      signal.throwIfAborted()
      if (unproved.tries === 0) told(sentence(error))
      unproved = { tries: unproved.tries + 1, until: clock.mono() + wait(unproved.tries) }
    }
  }

  /** Lanes that want one at the same time share it. */
  const tryOnce = (signal: AbortSignal): Promise<void> => {
    running ??= tryOut(signal).finally(() => {
      running = null
    })
    return running
  }

  function lane(): Lane {
    let failures = 0
    let until = Number.NEGATIVE_INFINITY
    let isTrialDue = false
    return {
      failed() {
        until = clock.mono() + wait(failures++)
        isTrialDue = true
      },
      hindered() {
        until = Math.max(until, clock.mono() + wait(0))
      },
      succeeded() {
        failures = 0
      },
      async waitMs(signal) {
        const left = Math.max(until, unproved.until) - clock.mono()
        if (left > 0) return left
        if (isTrialDue || unproved.tries > 0) await tryOnce(signal)
        if (unproved.tries > 0) return Math.max(1, unproved.until - clock.mono())
        isTrialDue = false
        return Math.max(0, until - clock.mono())
      },
    }
  }

  return { lane, isUnproved: () => unproved.tries > 0 }
}

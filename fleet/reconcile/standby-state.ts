/**
 * When the owner of an engine steps back and for how long. Pure: a state and the time in, the next state out; `standby.ts` acts on it.
 *
 *   the engine fails for ENGINE_TROUBLE_MS  → due: on standby, where another peer could run workers
 *   on standby                              → until its time is over, then one more try; each standby lasts longer
 *   a worker started here is healthy        → the next standby is short again
 */
import { backoffMs, type Rng } from '../../protocol/clock.ts'
import { EngineUnavailable } from '../../protocol/launcher.ts'
import { ENGINE_STANDBY_MS, ENGINE_TROUBLE_MS } from '../../protocol/limits.ts'

/** The state of an owner's standby. Times are monotonic ms. */
export interface StandbyState {
  /** Since when the engine fails; null while it works. */
  readonly failingSince: number | null
  /** End of the standby. */
  readonly until: number
  /** Whether the engine did not answer when the standby began: the standby then ends when it answers. */
  readonly wasAway: boolean
  /** Number of standbys since a worker that was started here was healthy. */
  readonly times: number
}

/** The state without a failure. */
export const NOT_ON_STANDBY: StandbyState = {
  failingSince: null,
  until: Number.NEGATIVE_INFINITY,
  wasAway: false,
  times: 0,
}

/** The state after a round. `failure`: null where it succeeded; `now`: monotonic ms. */
export const afterRound = (state: StandbyState, failure: unknown, now: number): StandbyState => ({
  ...state,
  failingSince: failure === null ? null : (state.failingSince ?? now),
})

/** Whether the engine has failed for `ENGINE_TROUBLE_MS`. */
export const isDue = ({ failingSince }: StandbyState, now: number): boolean =>
  failingSince !== null && now - failingSince >= ENGINE_TROUBLE_MS

/** The state of a standby that begins now, because of this failure. */
export const onStandby = (state: StandbyState, failure: unknown, now: number, rng: Rng): StandbyState => ({
  failingSince: null,
  until: now + backoffMs({ tries: state.times, baseMs: ENGINE_STANDBY_MS.base, maxMs: ENGINE_STANDBY_MS.max, rng }),
  wasAway: failure instanceof EngineUnavailable,
  times: state.times + 1,
})

/** Whether the standby is over, or there was none. */
export const isOver = ({ until }: StandbyState, now: number): boolean => now >= until

/** The state where the standby ends now, before its time. */
export const endedAt = (state: StandbyState, now: number): StandbyState => ({ ...state, until: now })

/** The state after a worker that was started here is healthy. */
export const afterHealthyStart = (state: StandbyState): StandbyState => ({ ...state, times: 0 })

/**
 * The failure of a round where it counts for a standby, else null. While other workers on the engine are healthy (`isWell`), only an engine
 * that does not answer counts: healthy workers need an owner, also where a start is refused.
 */
export const failureOfEngine = (failure: unknown, isWell: boolean): unknown =>
  isWell && !(failure instanceof EngineUnavailable) ? null : failure

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

/** Times are of the own monotonic clock, ms. */
export interface StandbyState {
  /** Since when the engine cannot do what is wanted; null while it can. */
  readonly failingSince: number | null
  /** On standby before this. */
  readonly until: number
  /** The engine did not answer when this standby began: it ends as soon as it answers. */
  readonly wasAway: boolean
  /** Standbys since a worker that was started here was healthy. */
  readonly times: number
}

/** Nothing has failed yet. */
export const NOT_ON_STANDBY: StandbyState = {
  failingSince: null,
  until: Number.NEGATIVE_INFINITY,
  wasAway: false,
  times: 0,
}

/** After a round that failed so; null where it did not. */
export const afterRound = (state: StandbyState, failure: unknown, now: number): StandbyState => ({
  ...state,
  failingSince: failure === null ? null : (state.failingSince ?? now),
})

/** Whether the engine has failed for long enough to leave its share to others. */
export const isDue = ({ failingSince }: StandbyState, now: number): boolean =>
  failingSince !== null && now - failingSince >= ENGINE_TROUBLE_MS

/** The standby that begins now, because of this failure. */
export const onStandby = (state: StandbyState, failure: unknown, now: number, rng: Rng): StandbyState => ({
  failingSince: null,
  until: now + backoffMs({ tries: state.times, baseMs: ENGINE_STANDBY_MS.base, maxMs: ENGINE_STANDBY_MS.max, rng }),
  wasAway: failure instanceof EngineUnavailable,
  times: state.times + 1,
})

/** Whether no standby goes on. */
export const isOver = ({ until }: StandbyState, now: number): boolean => now >= until

/** The standby ends before its time. */
export const endedAt = (state: StandbyState, now: number): StandbyState => ({ ...state, until: now })

/** A worker that was started here is healthy. */
export const afterHealthyStart = (state: StandbyState): StandbyState => ({ ...state, times: 0 })

/**
 * What a round's failure says about the engine. Where other workers are healthy there, only an engine that does not answer counts: a
 * start that is refused is no reason to leave healthy workers without an owner.
 */
export const failureOfEngine = (failure: unknown, isWell: boolean): unknown =>
  isWell && !(failure instanceof EngineUnavailable) ? null : failure

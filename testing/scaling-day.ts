/**
 * A day of a mesh under the scaling policy, simulated: films arrive by a seeded plan, workers take a while to start, speeds are
 * noisy. What is asked of the policy is read off the day: how long films waited, how many workers were paid for, how often
 * the number changed. Pure but for the numbers it is given.
 */

import { decideScaling, type ScalingPast, type ScalingRules } from '../fleet/scaling/scaling.ts'

export interface Day {
  readonly rules: ScalingRules
  /** When films come (s of the day) and how long they are (source s). */
  readonly arrivals: readonly { readonly at: number; readonly seconds: number }[]
  /** Worker-seconds per source second, all renditions together. */
  readonly cost: number
  /** Measured costs are off by up to this share. */
  readonly noise: number
  /** From the decision to a worker that encodes, s. */
  readonly startup_s: number
  random(): number
}

export interface Moment {
  readonly at: number
  /** Work that waits, worker-seconds. */
  readonly work: number
  readonly wanted: number
  readonly working: number
}

export const DAY_S = 24 * 3600
const STEP_S = 5
const RENDITION = '1080p'

export function simulateDay(day: Day): Moment[] {
  const moments: Moment[] = []
  let [pending, wanted, past] = [0, day.rules.min, [] as ScalingPast]
  let [arrived, starting] = [0, [] as number[]]
  let working = wanted
  for (let at = 0; at < DAY_S; at += STEP_S) {
    for (; (day.arrivals[arrived]?.at ?? DAY_S) <= at; arrived++) pending += day.arrivals[arrived]!.seconds
    working += starting.filter((ready) => ready <= at).length
    starting = starting.filter((ready) => ready > at)
    pending = Math.max(0, pending - (working * STEP_S) / day.cost)
    const measured = day.cost * (1 + day.noise * (2 * day.random() - 1))
    const view = {
      now: at * 1000,
      pending: new Map([[RENDITION, pending * measured]]),
      unplanned: 0,
      static: [],
      wanted,
    }
    const decision = decideScaling(view, day.rules, past)
    past = decision.past
    const there = working + starting.length
    for (let n = there; n < decision.wanted; n++) starting.push(at + day.startup_s)
    // Those that have not begun yet go first; a drained worker has ended its chunk.
    const surplus = Math.max(0, there - decision.wanted)
    const unbegun = Math.min(surplus, starting.length)
    starting = starting.slice(0, starting.length - unbegun)
    working -= surplus - unbegun
    wanted = decision.wanted
    moments.push({ at, work: pending * day.cost, wanted, working })
  }
  return moments
}

/** Films of a studio's day: a few at night, a crowd from nine to six, one great batch at two in the afternoon. */
export function studioDay(random: () => number): { at: number; seconds: number }[] {
  const films: { at: number; seconds: number }[] = []
  for (let hour = 0; hour < 24; hour++) {
    const busy = hour >= 9 && hour < 18
    const count = Math.round((busy ? 6 : 0.7) * (0.5 + random()))
    for (let n = 0; n < count; n++)
      films.push({ at: Math.floor((hour + random()) * 3600), seconds: 120 + Math.floor(random() * random() * 3_000) })
  }
  for (let n = 0; n < 20; n++) films.push({ at: 14 * 3600, seconds: 300 })
  return films.sort((a, b) => a.at - b.at)
}

/** Numbers in [0, 1) that a seed replays (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The rate at which a share rises, over a sliding window: the base of fps, speed and ETA. */
import type { Clock } from '../../protocol/clock.ts'
import { remember } from '../../protocol/remember.ts'

const WINDOW_MS = 20_000
/** The least time between two samples, and between those that a rate is made from. */
const STEP_MS = 500
const KEYS_KEPT = 1_000

/** Makes a speedometer. `rate` records the share `done` (0–1) and answers its rise per second over the window; null with too few samples. */
export function createSpeedometer(clock: Clock): { rate(key: string, done: number): number | null } {
  const samples = new Map<string, { at: number; done: number }[]>()
  return {
    rate(key, done) {
      const now = clock.mono()
      const mine = samples.get(key) ?? []
      if (now - (mine.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= STEP_MS) mine.push({ at: now, done })
      while (now - mine[0]!.at > WINDOW_MS) mine.shift()
      remember(samples, key, mine, KEYS_KEPT)
      const first = mine[0]!
      return now - first.at < STEP_MS ? null : Math.max(0, ((done - first.done) * 1000) / (now - first.at))
    },
  }
}

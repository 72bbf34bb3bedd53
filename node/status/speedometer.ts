/** The rate at which a share rises, over a sliding window: the base of fps, speed and ETA. */
import type { Clock } from '../../protocol/clock.ts'
import { remember } from '../../protocol/remember.ts'

const WINDOW_MS = 20_000
const KEYS_KEPT = 1_000

/** Makes a speedometer. `rate` records the share `done` (0–1) and answers its rise per second over the window; null with too few samples. */
export function createSpeedometer(clock: Clock): { rate(key: string, done: number): number | null } {
  const samples = new Map<string, { at: number; done: number }[]>()
  return {
    rate(key, done) {
      const now = clock.mono()
      const mine = (samples.get(key) ?? []).filter(({ at }) => now - at <= WINDOW_MS)
      mine.push({ at: now, done })
      remember(samples, key, mine, KEYS_KEPT)
      const first = mine[0]!
      return now - first.at < 500 ? null : Math.max(0, ((done - first.done) * 1000) / (now - first.at))
    },
  }
}

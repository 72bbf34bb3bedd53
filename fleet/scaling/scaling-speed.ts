/**
 * What a source second costs, by rendition, as measured: heartbeats tell the speed of each ffmpeg, which the renditions of a
 * chunk share. Its time is laid on them by their pixels, and measurements are averaged with less weight the older they are.
 */

import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, RESOLUTIONS, type Resolution } from '../../protocol/ids.ts'

export type Costs = ReadonlyMap<Resolution, number>

/** Megapixels of each box: encoding takes time about in proportion (x264 medium: 1 : 2.1 : 4.7, measured 1 : 1.9 : 4.1). */
const WEIGHT: Readonly<Record<Resolution, number>> = { '480p': 0.41, '720p': 0.92, '1080p': 2.07 }
/** Until something ran: x264 medium on one core of 2020 does all three rungs together at about a third of real time. */
export const ASSUMED: Costs = new Map([
  ['480p', 0.36],
  ['720p', 0.81],
  ['1080p', 1.83],
])
/** One measurement counts this much against all before it: a slow chunk is noticed and does not decide. */
const SHARE = 0.05
/** An encode that has just begun has no speed worth the name. */
const DONE_MIN = 0.05

/** Costs after one more look at what runs. A peer's attempts at one chunk are one ffmpeg. */
export function measureCosts(costs: Costs, peers: readonly (readonly RunningAttempt[])[]): Costs {
  const next = new Map(costs)
  for (const running of peers) {
    for (const attempts of Map.groupBy(running, ({ task }) => chunkOf(task)).values()) {
      const rungs = attempts.flatMap(({ task }) => RESOLUTIONS.find((rung) => task.includes(`/${rung}/`)) ?? [])
      const [first] = attempts
      if (!first || first.speed <= 0 || first.done < DONE_MIN) continue
      const weights = rungs.reduce((sum, rung) => sum + WEIGHT[rung], 0)
      for (const rung of rungs) {
        const cost = WEIGHT[rung] / weights / first.speed
        next.set(rung, (1 - SHARE) * (next.get(rung) ?? cost) + SHARE * cost)
      }
    }
  }
  return next
}

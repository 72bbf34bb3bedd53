/**
 * The time to encode a source second of a rendition, by measurement: heartbeats have the speed of each ffmpeg, which the renditions of a chunk
 * share. Costs of renditions are estimates (`RenditionPlan.cost`); the time of one unit of cost is measured for each encoder and preset: first
 * the mean of an assumed value and the measurements, then a moving average.
 */
import { parseClass, speedKey } from '../../protocol/capability.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, partOf, type VideoId, videoOf } from '../../protocol/ids.ts'
import { ASSUMED_S } from '../../protocol/limits.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'

type Costed = Pick<RenditionPlan, 'id' | 'class' | 'preset' | 'cost'>

/** Time of one unit of cost for a source second, by `speedKey`. */
export type Calibration = ReadonlyMap<string, Measured>

interface Measured {
  /** Worker-seconds. */
  readonly seconds: number
  /** Number of measurements. */
  readonly times: number
}

/** Weight (0–1) of a measurement after many others: one slow chunk changes little. */
const SHARE = 0.05
/** The assumed value has the weight of one measurement: after a minute the measurements count. */
const UNMEASURED: Measured = { seconds: ASSUMED_S, times: 0 }
/** Share done (0–1) below which a speed is not used: it is inexact at first. */
const DONE_MIN = 0.05

const keyOf = (rendition: Pick<Costed, 'class' | 'preset'>): string =>
  speedKey(parseClass(rendition.class)?.encoder ?? '', rendition.preset)

/** Worker-seconds to encode a source second of this rendition. */
export const secondsFor = (calibration: Calibration, rendition: Costed): number =>
  rendition.cost * (calibration.get(keyOf(rendition)) ?? UNMEASURED).seconds

/** The times of one unit of cost by `speedKey`, worker-seconds. */
export const measuredSeconds = (calibration: Calibration): Record<string, number> =>
  Object.fromEntries([...calibration].map(([key, { seconds }]) => [key, Math.round(seconds * 1000) / 1000]))

/** The calibration of such times, which a peer measured itself. */
export const calibrationOf = (speeds: Readonly<Record<string, number>>): Calibration =>
  new Map(Object.entries(speeds).map(([key, seconds]) => [key, { seconds, times: 1 }]))

/** The mean of what peers have measured themselves (`Heartbeat.speeds`), for each encoder and preset of those that know it. */
export function meanCalibration(said: readonly Readonly<Record<string, number>>[]): Calibration {
  const byKey = Map.groupBy(
    said.flatMap((speeds) => Object.entries(speeds)),
    ([key]) => key,
  )
  const means = [...byKey].map(([key, all]) => [key, all.reduce((sum, [, seconds]) => sum + seconds, 0) / all.length])
  return calibrationOf(Object.fromEntries(means))
}

/**
 * The calibration after one more measurement. `peers`: the running attempts of each peer; those at one chunk share an ffmpeg. `renditionOf`:
 * null for a rendition of an unknown plan.
 */
export function calibrate(
  calibration: Calibration,
  peers: readonly (readonly RunningAttempt[])[],
  renditionOf: (video: VideoId, id: RenditionId) => Costed | null,
): Calibration {
  const next = new Map(calibration)
  for (const attempts of peers.flatMap((running) => [...Map.groupBy(running, ({ task }) => chunkOf(task)).values()])) {
    const [first] = attempts
    const renditions = attempts.flatMap(({ task }) => renditionOf(videoOf(task), partOf(task)) ?? [])
    if (!first || first.speed <= 0 || first.done < DONE_MIN || renditions.length === 0) continue
    const expected = renditions.reduce((sum, each) => sum + secondsFor(next, each), 0)
    // How much slower than expected: the same for all renditions that share the ffmpeg.
    const factor = 1 / first.speed / expected
    for (const key of new Set(renditions.map(keyOf))) {
      const { seconds, times } = next.get(key) ?? UNMEASURED
      const share = Math.max(SHARE, 1 / (times + 2))
      next.set(key, { seconds: seconds * (1 - share + share * factor), times: times + 1 })
    }
  }
  return next
}

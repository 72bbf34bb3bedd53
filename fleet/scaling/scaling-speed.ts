/**
 * What a source second of a rendition takes to encode, as measured: heartbeats carry the speed of each ffmpeg, which the renditions
 * of a chunk share. Costs of renditions are estimates (`RenditionPlan.cost`); what one unit of cost takes is measured for each
 * codec and preset: a mean of the assumption and the first measurements, then one with less weight the older a measurement is.
 */
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, partOf, type VideoId, videoOf } from '../../protocol/ids.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'

type Costed = Pick<RenditionPlan, 'id' | 'codec' | 'preset' | 'cost'>

/** What one unit of cost takes for a source second, by `<codec>/<preset>`. */
export type Calibration = ReadonlyMap<string, Measured>

interface Measured {
  /** Worker-seconds. */
  readonly seconds: number
  /** How often it was measured. */
  readonly times: number
}

/** Worker-seconds that one unit of cost takes until something was measured: a core of 2020 encodes a megapixel at 30 frames per second by x264 medium at about 1.1 times real time. */
export const ASSUMED_S = 0.88
/** The weight of one measurement against many before it: a slow chunk counts, but does not decide. */
const SHARE = 0.05
/** The assumption weighs as much as one measurement: within a minute the workers count, not what was assumed of them. */
const UNMEASURED: Measured = { seconds: ASSUMED_S, times: 0 }
/** The speed of an encode that has just begun means nothing. */
const DONE_MIN = 0.05

const keyOf = ({ codec, preset }: Pick<Costed, 'codec' | 'preset'>): string => `${codec}/${preset}`

/** Worker-seconds that a source second of this rendition takes. */
export const secondsFor = (calibration: Calibration, rendition: Costed): number =>
  rendition.cost * (calibration.get(keyOf(rendition)) ?? UNMEASURED).seconds

/**
 * The calibration after one more measurement. `peers`: what each of them runs; its attempts at one chunk are one ffmpeg. `renditionOf`
 * answers null for what is no rendition of a known plan.
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

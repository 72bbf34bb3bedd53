/**
 * What a source second of a rendition takes to encode, as measured: heartbeats carry the speed of each ffmpeg, which the renditions
 * of a chunk share. Costs of renditions are estimates (`RenditionPlan.cost`); what one unit of cost takes is measured for each
 * codec and preset, and averaged with less weight the older a measurement is.
 */
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, partOf, type VideoId, videoOf } from '../../protocol/ids.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'

type Costed = Pick<RenditionPlan, 'id' | 'codec' | 'preset' | 'cost'>

/** Worker-seconds that one unit of cost takes for a source second, by `<codec>/<preset>`. */
export type Calibration = ReadonlyMap<string, number>

/** Worker-seconds that one unit of cost takes until something was measured: a core of 2020 encodes a megapixel at 30 frames per second by x264 medium at about 1.1 times real time. */
export const ASSUMED_S = 0.88
/** The weight of one measurement against all before it: a slow chunk counts, but does not decide. */
const SHARE = 0.05
/** The speed of an encode that has just begun means nothing. */
const DONE_MIN = 0.05

const keyOf = ({ codec, preset }: Pick<Costed, 'codec' | 'preset'>): string => `${codec}/${preset}`

/** Worker-seconds that a source second of this rendition takes. */
export const secondsFor = (calibration: Calibration, rendition: Costed): number =>
  rendition.cost * (calibration.get(keyOf(rendition)) ?? ASSUMED_S)

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
    const expected = renditions.reduce((sum, each) => sum + secondsFor(calibration, each), 0)
    // How much slower than expected: the same for all renditions that share the ffmpeg.
    const factor = 1 / first.speed / expected
    for (const key of new Set(renditions.map(keyOf))) {
      const before = next.get(key) ?? ASSUMED_S
      next.set(key, (1 - SHARE) * before + SHARE * before * factor)
    }
  }
  return next
}

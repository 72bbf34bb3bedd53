/** The speeds of this peer's encodes by encoder and preset, for its heartbeats: measured from its running attempts. */
import { type Calibration, calibrate, measuredSeconds } from '../../fleet/scaling/scaling-speed.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { type VideoId, videoOf } from '../../protocol/ids.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import { remember } from '../../protocol/remember.ts'
import type { PlanSource } from '../videos/plan-source.ts'

/** The speeds of this peer. */
export interface OwnSpeeds {
  /** Takes the speeds of its running attempts in. Answers `Heartbeat.speeds`. */
  measure(running: readonly RunningAttempt[]): Record<string, number>
}

/** Number of videos whose renditions are remembered. */
const VIDEOS_MAX = 32

/** Makes it, with nothing measured. */
export function createOwnSpeeds(plans: PlanSource): OwnSpeeds {
  let calibration: Calibration = new Map()
  /** Null while the plan is read; what encodes has it in the cache. */
  const known = new Map<VideoId, readonly RenditionPlan[] | null>()
  function read(video: VideoId): void {
    remember(known, video, null, VIDEOS_MAX)
    plans.planOf(video).then(
      ({ renditions }) => known.has(video) && known.set(video, renditions),
      () => known.delete(video),
    )
  }
  return {
    measure(running) {
      const encodes = running.filter(({ speed }) => speed > 0)
      for (const video of new Set(encodes.map(({ task }) => videoOf(task)))) if (!known.has(video)) read(video)
      calibration = calibrate(
        calibration,
        [encodes],
        (video, id) => known.get(video)?.find((rendition) => rendition.id === id) ?? null,
      )
      return measuredSeconds(calibration)
    },
  }
}

/** A cache of plans: a committed plan never changes. It holds few, as a plan may have 8 MB. */
import { ReelmeshError } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Plan } from '../../protocol/plan.ts'
import { remember } from '../../protocol/remember.ts'

/** Reads plans and caches them. */
export interface PlanSource {
  /** The committed plan. Rejects with `ReelmeshError('no_plan')` where there is none yet, and with `LedgerUnavailable`. */
  planOf(video: VideoId): Promise<Plan>
}

const PLANS_KEPT = 8

/** Makes a source with an empty cache. */
export function createPlanSource(ledger: Ledger): PlanSource {
  const kept = new Map<VideoId, Promise<Plan>>()
  const read = async (id: VideoId): Promise<Plan> => {
    const video = await ledger.video(id)
    const plan = video?.plan && (await ledger.plan(id, video.plan.sha256))
    if (!plan) throw new ReelmeshError('no_plan', `video ${id} has no plan`, { retryable: true })
    return plan
  }
  return {
    planOf(id) {
      const known = kept.get(id)
      if (known) return known
      const reading = read(id)
      remember(kept, id, reading, PLANS_KEPT)
      reading.catch(() => kept.delete(id))
      return reading
    },
  }
}

/** The parts of plans that give the amount of work of a video. A committed plan never changes: each is read once, and forgotten with its video. */
import type { VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { planSeconds, type RenditionPlan } from '../protocol/plan.ts'
import type { RenditionId } from '../protocol/rendition.ts'
import type { Video } from '../protocol/video.ts'

/** The parts of a plan that give its amount of work. `seconds`: length of the source; `chunks`: number of them. */
export interface Length {
  readonly seconds: number
  readonly chunks: number
  readonly renditions: readonly RenditionPlan[]
}

/** Finds a rendition of a video among these; null where the plan is not known. */
export const renditionsIn =
  (lengths: ReadonlyMap<VideoId, Length>) =>
  (video: VideoId, id: RenditionId): RenditionPlan | null =>
    lengths.get(video)?.renditions.find((rendition) => rendition.id === id) ?? null

/** The lengths that were read. */
export interface PlanLengths {
  /** Reads those of these videos that have a plan. Rejects with the errors of the ledger. */
  read(videos: readonly Pick<Video, '_id' | 'plan'>[]): Promise<void>
  readonly known: ReadonlyMap<VideoId, Length>
  /** Forgets all others. */
  keepOnly(ids: ReadonlySet<VideoId>): void
}

/** Makes it, with no plan read. */
export function createPlanLengths(ledger: Pick<Ledger, 'plan'>): PlanLengths {
  const known = new Map<VideoId, Length>()
  return {
    known,
    async read(videos) {
      for (const { _id, plan: committed } of videos) {
        if (!committed || known.has(_id)) continue
        const plan = await ledger.plan(_id, committed.sha256)
        if (!plan) continue
        known.set(_id, { seconds: planSeconds(plan), chunks: plan.chunks.length, renditions: plan.renditions })
      }
    },
    keepOnly(ids) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    },
  }
}

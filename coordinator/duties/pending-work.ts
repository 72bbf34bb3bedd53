/**
 * The work that open videos still need, in worker-seconds: their plans times what an encode takes here. Remembers the plans of open videos and
 * the measured speeds; a new leader reads and measures them again. Leaves out ingest, audio and merge, which cost little beside encodes.
 */
import type { DatedWork, ScalingView } from '../../fleet/scaling/scaling.ts'
import { type Calibration, calibrate, secondsFor } from '../../fleet/scaling/scaling-speed.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger, Progress } from '../../protocol/ledger.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import { OPEN_STATUSES } from '../../protocol/video.ts'
import { createPlanLengths, type Length, type PlanLengths } from '../plan-lengths.ts'

/** The waiting work, as input of a scaling decision. */
export type Demand = Pick<ScalingView, 'pending' | 'dated' | 'unplanned'>

/** The work that waits, of one term. */
export interface PendingWork {
  /** Takes the speeds of running attempts in. `peers`: what each of them runs. */
  measure(peers: readonly (readonly RunningAttempt[])[]): void
  /** Reads the open videos. Rejects with the errors of the ledger. */
  demand(): Promise<Demand>
}

/** Makes it, with no plan read and no speed measured. */
export const createPendingWork = (ledger: Pick<Ledger, 'videos' | 'progress' | 'plan' | 'now'>): PendingWork =>
  new WorkOfPlans(ledger)

class WorkOfPlans implements PendingWork {
  readonly #ledger: Pick<Ledger, 'videos' | 'progress' | 'plan' | 'now'>
  readonly #lengths: PlanLengths
  #calibration: Calibration = new Map()

  constructor(ledger: Pick<Ledger, 'videos' | 'progress' | 'plan' | 'now'>) {
    this.#ledger = ledger
    this.#lengths = createPlanLengths(ledger)
  }

  measure(peers: readonly (readonly RunningAttempt[])[]): void {
    const renditionOf = (video: VideoId, id: RenditionId) =>
      this.#lengths.known.get(video)?.renditions.find((rendition) => rendition.id === id) ?? null
    this.#calibration = calibrate(this.#calibration, peers, renditionOf)
  }

  async demand(): Promise<Demand> {
    const open = await this.#ledger.videos({ statuses: OPEN_STATUSES })
    const ids = open.map(({ _id }) => _id)
    this.#lengths.keepOnly(new Set(ids))
    const progress = await this.#ledger.progress(ids)
    await this.#lengths.read(open)
    const dated = open.filter(({ deadline }) => deadline !== null)
    const now = dated.length > 0 ? await this.#ledger.now() : 0
    const left_s = new Map(dated.map(({ _id, deadline }) => [_id, (deadline! - now) / 1000]))
    return demandOf({ videos: ids, left_s, lengths: this.#lengths.known, progress, calibration: this.#calibration })
  }
}

/**
 * Worker-seconds of what is not yet encoded, by rendition; of videos with a deadline also by video. And the number of videos whose length is not known
 * yet. `left_s`: seconds until the deadline of those that have one.
 */
export function demandOf(work: {
  readonly videos: readonly VideoId[]
  readonly left_s: ReadonlyMap<VideoId, number>
  readonly lengths: ReadonlyMap<VideoId, Length>
  readonly progress: Progress
  readonly calibration: Calibration
}): Demand {
  const { videos, left_s, lengths, progress, calibration } = work
  const pending = new Map<RenditionId, number>()
  const dated: DatedWork[] = []
  for (const video of videos.filter((id) => lengths.has(id))) {
    const { seconds, chunks, renditions } = lengths.get(video)!
    const own = new Map<RenditionId, number>()
    for (const rendition of renditions) {
      const left = seconds * (1 - chunksDone(progress, video, rendition.id) / chunks)
      own.set(rendition.id, left * secondsFor(calibration, rendition))
    }
    for (const [id, seconds] of own) pending.set(id, (pending.get(id) ?? 0) + seconds)
    const left = left_s.get(video)
    if (left !== undefined) dated.push({ left_s: left, pending: own })
  }
  dated.sort((a, b) => a.left_s - b.left_s)
  return { pending, dated, unplanned: videos.filter((id) => !lengths.has(id)).length }
}

const chunksDone = (progress: Progress, video: VideoId, rendition: RenditionId): number =>
  progress
    .get(video)
    ?.find(
      ({ kind, resolution, status }) =>
        resolution === rendition && status === 'COMPLETED' && kindFacts(kind).countsAsEncode,
    )?.count ?? 0

/**
 * The work that open videos still need, in worker-seconds: their plans times what an encode takes here. Remembers the plans of open videos and
 * the measured speeds; a new leader reads and measures them again. Leaves out ingest, audio and merge, which cost little beside encodes.
 */
import type { DatedWork, ScalingView } from '../../fleet/scaling/scaling.ts'
import { type Calibration, calibrate, meanCalibration, secondsFor } from '../../fleet/scaling/scaling-speed.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger, Progress } from '../../protocol/ledger.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import { type KnownVideos, type OpenVideos, takeLook, type VideoReader } from '../open-videos.ts'
import { createPlanLengths, type Length, type PlanLengths, renditionsIn } from '../plan-lengths.ts'
import { chunksDone } from '../policy/video-work.ts'

/** The waiting work, as input of a scaling decision. */
export type Demand = Pick<ScalingView, 'pending' | 'dated' | 'unplanned'>

/** The work that waits, of one term. */
export interface PendingWork {
  /** Takes the speeds of running attempts in, and those that peers have measured themselves, which count where no encode was seen by this one. */
  measure(peers: readonly Pick<Heartbeat, 'running' | 'speeds'>[]): void
  /** Looks at the open videos that changed, and at times at all of them. Rejects with the errors of the ledger. */
  demand(): Promise<Demand>
}

/** The parts that it uses. */
export interface PendingWorkModules {
  readonly ledger: Pick<Ledger, 'plan' | 'now'>
  readonly openVideos: Pick<OpenVideos, 'reader'>
}

/** Makes it, with no plan read and no speed measured. */
export const createPendingWork = (modules: PendingWorkModules): PendingWork => new WorkOfPlans(modules)

class WorkOfPlans implements PendingWork {
  readonly #ledger: PendingWorkModules['ledger']
  readonly #openVideos: PendingWorkModules['openVideos']
  /** Made by the first look: one that never looks would gather all that changes. */
  #reader: VideoReader | null = null
  readonly #open: KnownVideos = new Map()
  readonly #lengths: PlanLengths
  /** By encoder and preset: what this one has seen, and what peers say. */
  #seen: Calibration = new Map()
  #said: Calibration = new Map()

  constructor({ ledger, openVideos }: PendingWorkModules) {
    this.#ledger = ledger
    this.#openVideos = openVideos
    this.#lengths = createPlanLengths(ledger)
  }

  measure(peers: readonly Pick<Heartbeat, 'running' | 'speeds'>[]): void {
    const running = peers.map((peer) => peer.running)
    this.#seen = calibrate(this.#seen, running, renditionsIn(this.#lengths.known))
    this.#said = meanCalibration(peers.flatMap(({ speeds }) => (speeds ? [speeds] : [])))
  }

  async demand(): Promise<Demand> {
    this.#reader ??= this.#openVideos.reader()
    await this.#reader.look([], async (look) => takeLook(this.#open, look))
    const open = [...this.#open.values()].map(({ video }) => video)
    this.#lengths.keepOnly(new Set(this.#open.keys()))
    await this.#lengths.read(open)
    const dated = open.filter(({ deadline }) => deadline !== null)
    const now = dated.length > 0 ? await this.#ledger.now() : 0
    const left_s = new Map(dated.map(({ _id, deadline }) => [_id, (deadline! - now) / 1000]))
    const progress = new Map([...this.#open].map(([id, { counts }]) => [id, counts]))
    const videos = [...this.#open.keys()]
    const calibration = new Map([...this.#said, ...this.#seen])
    return demandOf({ videos, left_s, lengths: this.#lengths.known, progress, calibration })
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
      const left = seconds * (1 - chunksDone(progress.get(video) ?? [], rendition.id) / chunks)
      own.set(rendition.id, left * secondsFor(calibration, rendition))
    }
    for (const [id, seconds] of own) pending.set(id, (pending.get(id) ?? 0) + seconds)
    const left = left_s.get(video)
    if (left !== undefined) dated.push({ left_s: left, pending: own })
  }
  dated.sort((a, b) => a.left_s - b.left_s)
  return { pending, dated, unplanned: videos.filter((id) => !lengths.has(id)).length }
}

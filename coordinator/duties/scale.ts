/**
 * Decides how many workers each engine runs: writes `engines.wanted` with the reason, and emits an event when the number changes. The owner
 * of each engine starts and stops workers (`fleet/reconcile/reconcile.ts`). The only state is measured speeds and the needs of the last
 * cooldown, which a new leader measures again.
 */
import { decideScaling, type ScalingPast, type StaticWorker, spread } from '../../fleet/scaling/scaling.ts'
import { type Calibration, calibrate, secondsFor } from '../../fleet/scaling/scaling-speed.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { LAUNCHED_PREFIX } from '../../protocol/launcher.ts'
import type { EngineRecord } from '../../protocol/ledger.ts'
import { SCALE_MS } from '../../protocol/limits.ts'
import { isPresent, presentPeers, takesWork } from '../../protocol/peer-table.ts'
import { planSeconds, type RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import { OPEN_STATUSES, type Video } from '../../protocol/video.ts'
import type { Duty, ScaleOptions, TermContext } from '../duty.ts'

interface Length {
  readonly seconds: number
  readonly chunks: number
  readonly renditions: readonly RenditionPlan[]
}

/** The parts of the term that this duty uses. */
export type ScaleContext = Pick<
  TermContext,
  'self' | 'capability' | 'term' | 'ledger' | 'clock' | 'emit' | 'hints' | 'peers'
>

/** The duty that decides the number of workers, for one term. */
export function createScale(context: ScaleContext, options: ScaleOptions): Duty {
  const { ledger, clock, term, self } = context
  const lengths = new Map<VideoId, Length>()
  let calibration: Calibration = new Map()
  let past: ScalingPast = []
  let last = Number.NEGATIVE_INFINITY

  const live = () => presentPeers(context.peers, clock.mono())

  const isReached = (engine: EngineRecord): boolean => engine.peers.some((peer) => isPresent(context, peer))

  /** The peers that people started and that take work now, this one among them. */
  function staticWorkers(): StaticWorker[] {
    const people = live().filter(({ beat }) => beat.roles.includes('worker') && !beat.name.startsWith(LAUNCHED_PREFIX))
    const working = people.filter(({ beat }) => takesWork(beat))
    const own = { slots: options.own_slots, renditions: context.capability?.renditions ?? [] }
    return [own, ...working.map(({ beat }) => ({ slots: beat.slots, renditions: beat.renditions }))]
  }

  async function lengthOf(video: Video): Promise<Length | null> {
    const known = lengths.get(video._id)
    if (known || !video.plan) return known ?? null
    const plan = await ledger.plan(video._id, video.plan.sha256)
    if (!plan) return null
    const length = { seconds: planSeconds(plan), chunks: plan.chunks.length, renditions: plan.renditions }
    lengths.set(video._id, length)
    return length
  }

  /** Worker-seconds of what is not yet encoded, by rendition, and videos whose length is not known yet. */
  async function demand(): Promise<{ pending: Map<RenditionId, number>; unplanned: number }> {
    const open = await ledger.videos({ statuses: OPEN_STATUSES })
    for (const id of lengths.keys()) if (!open.some((video) => video._id === id)) lengths.delete(id)
    const progress = await ledger.progress(open.map((video) => video._id))
    const pending = new Map<RenditionId, number>()
    let unplanned = 0
    for (const video of open) {
      const length = await lengthOf(video)
      if (length === null) unplanned++
      for (const rendition of length?.renditions ?? []) {
        const { id } = rendition
        const done =
          progress.get(video._id)?.find((row) => row.resolution === id && row.status === 'COMPLETED')?.count ?? 0
        const left = length!.seconds * (1 - done / length!.chunks)
        pending.set(id, (pending.get(id) ?? 0) + left * secondsFor(calibration, rendition))
      }
    }
    return { pending, unplanned }
  }

  async function want(engines: readonly EngineRecord[], wanted: number, reason: string): Promise<void> {
    const shares = spread(
      wanted,
      engines.map((engine) => engine._id),
    )
    const before = engines.reduce((sum, engine) => sum + engine.wanted, 0)
    let changed = false
    for (const engine of engines) {
      const share = shares.get(engine._id) ?? 0
      if (engine.wanted === share) continue
      if ((await ledger.setWanted(engine._id, { wanted: share, reason, term })) === 'changed') changed = true
    }
    if (!changed) return
    context.hints.publish({ what: 'peers', video: null })
    await context.emit({ code: 'scaled', peer: self, before, wanted, engines: engines.length, reason })
  }

  return {
    name: 'scale',
    async round() {
      if (clock.mono() - last < SCALE_MS) return
      last = clock.mono()
      const all = await ledger.engines()
      for (const { _id, peers, wanted } of all)
        if (peers.length === 0 && wanted > 0)
          await ledger.setWanted(_id, { wanted: 0, reason: 'nobody reaches this engine any more', term })
      const engines = all.filter(isReached)
      if (engines.length === 0) return
      calibration = calibrate(
        calibration,
        live().map(({ beat }) => beat.running),
        (video, id) => lengths.get(video)?.renditions.find((rendition) => rendition.id === id) ?? null,
      )
      const wanted = engines.reduce((sum, engine) => sum + engine.wanted, 0)
      const view = { now: clock.mono(), ...(await demand()), static: staticWorkers(), wanted }
      const decision = decideScaling(view, options, past)
      past = decision.past
      await want(engines, decision.wanted, decision.reason)
    },
  }
}

/**
 * Decides how many workers each engine runs: writes `engines.wanted` with the reason, and emits an event when the number changes. The owner
 * of each engine starts and stops workers (`fleet/reconcile/reconcile.ts`). The only state is measured speeds and the needs of the last
 * cooldown, which a new leader measures again.
 */
import {
  decideScaling,
  type ScalingDecision,
  type ScalingPast,
  type StaticWorker,
  spread,
} from '../../fleet/scaling/scaling.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { LAUNCHED_PREFIX } from '../../protocol/launcher.ts'
import type { EngineRecord } from '../../protocol/ledger.ts'
import { SCALE_MS } from '../../protocol/limits.ts'
import { isPresent, presentPeers, takesWork } from '../../protocol/peer-table.ts'
import type { Duty, ScaleOptions, TermContext } from '../duty.ts'
import { createPendingWork, type PendingWork } from './pending-work.ts'

/** The parts of the term that this duty uses. */
export type ScaleContext = Pick<
  TermContext,
  'self' | 'capability' | 'term' | 'openVideos' | 'ledger' | 'clock' | 'emit' | 'hints' | 'peers'
>

/** The duty that decides the number of workers, for one term. */
export function createScale(context: ScaleContext, options: ScaleOptions): Duty {
  const scaler = new Scaler(context, options)
  return { name: 'scale', round: () => scaler.round() }
}

class Scaler {
  readonly #context: ScaleContext
  readonly #options: ScaleOptions
  readonly #work: PendingWork
  #past: ScalingPast = []
  #roundAt = Number.NEGATIVE_INFINITY

  constructor(context: ScaleContext, options: ScaleOptions) {
    this.#context = context
    this.#options = options
    this.#work = createPendingWork(context)
  }

  async round(): Promise<void> {
    const { ledger, clock, peers } = this.#context
    if (clock.mono() - this.#roundAt < SCALE_MS) return
    this.#roundAt = clock.mono()
    const all = await ledger.engines()
    await this.#wantNone(all.filter((engine) => engine.peers.length === 0))
    const engines = all.filter((engine) => engine.peers.some((peer) => isPresent(this.#context, peer)))
    if (engines.length === 0) return
    this.#work.measure(presentPeers(peers, clock.mono()).map(({ beat }) => beat))
    const wanted = totalWanted(engines)
    const view = { now: clock.mono(), ...(await this.#work.demand()), static: this.#staticWorkers(), wanted }
    const decision = decideScaling(view, this.#options, this.#past)
    this.#past = decision.past
    await this.#want(engines, decision)
  }

  /** The peers that people started and that take work now, this one among them. */
  #staticWorkers(): StaticWorker[] {
    const { capability, peers, clock } = this.#context
    const own = { slots: this.#options.own_slots, renditions: capability?.renditions ?? [] }
    const beats = presentPeers(peers, clock.mono()).map(({ beat }) => beat)
    const others = beats.filter((beat) => isStaticWorker(beat) && takesWork(beat))
    return [own, ...others.map(({ slots, renditions }) => ({ slots, renditions }))]
  }

  async #wantNone(unreached: readonly EngineRecord[]): Promise<void> {
    const { ledger, term } = this.#context
    const reason = 'no peer reaches this engine any more'
    for (const { _id, wanted } of unreached) if (wanted > 0) await ledger.setWanted(_id, { wanted: 0, reason, term })
  }

  async #want(engines: readonly EngineRecord[], { wanted, reason }: ScalingDecision): Promise<void> {
    const { ledger, term, self, hints, emit } = this.#context
    const shares = spread(
      wanted,
      engines.map(({ _id }) => _id),
    )
    let changed = false
    for (const engine of engines) {
      const share = shares.get(engine._id) ?? 0
      if (engine.wanted === share) continue
      if ((await ledger.setWanted(engine._id, { wanted: share, reason, term })) === 'changed') changed = true
    }
    if (!changed) return
    hints.publish({ what: 'peers', video: null })
    await emit({ code: 'scaled', peer: self, before: totalWanted(engines), wanted, engines: engines.length, reason })
  }
}

const totalWanted = (engines: readonly EngineRecord[]): number => engines.reduce((sum, { wanted }) => sum + wanted, 0)

const isStaticWorker = ({ roles, name }: Pick<Heartbeat, 'roles' | 'name'>): boolean =>
  roles.includes('worker') && !name.startsWith(LAUNCHED_PREFIX)

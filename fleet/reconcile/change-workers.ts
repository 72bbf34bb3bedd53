/** Carries out the steps of a round: removes, drains, undrains and starts workers, and emits the events. */
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { EngineUnavailable, LAUNCHED_PREFIX } from '../../protocol/launcher.ts'
import type { Context } from './context.ts'
import { DRAIN_REASON, hasFailed, type SeenWorker } from './observe-workers.ts'
import type { EngineStep } from './plan-engine.ts'
import { afterFailure, mayStart, nextWaitMs } from './start-backoff.ts'

/** Carries out one step. `reason`: why workers are wanted. Rejects with `EngineUnavailable`, `LaunchRefused` or `LedgerUnavailable`. */
export function carryOut(context: Context, step: EngineStep, reason: string): Promise<void> {
  switch (step.do) {
    case 'remove':
      return remove(context, step.worker, step.why)
    case 'start':
      return start(context, step.count, reason)
    case 'drain':
    case 'keep':
      return setDraining(context, { peer: step.peer, name: step.worker.name, draining: step.do === 'drain' })
  }
}

/** Emits a failure of the engine, once while its message stays the same. */
export async function reportFailure({ state, emit, self }: Context, error: unknown): Promise<void> {
  const reason = sentence(error)
  if (state.reported !== null && reason === sentence(state.reported)) return
  state.reported = error as Error
  await emit({ code: error instanceof EngineUnavailable ? 'engine_away' : 'launch_failed', peer: self, reason })
}

/** Emits the recovery of the engine, where its failure was emitted. */
export async function reportRecovery({ state, emit, self }: Context): Promise<void> {
  if (state.reported === null) return
  state.reported = null
  await emit({ code: 'engine_back', peer: self })
}

async function remove(context: Context, worker: SeenWorker, why: string): Promise<void> {
  const { launcher, ledger, emit, self, state, clock, rng } = context
  const fields = { peer: self, worker: worker.name, reason: why }
  await launcher.stop(worker.id)
  if (worker.peer !== null && worker.draining !== null)
    await ledger.setPeer(worker.peer, { draining: false, reason: null })
  if (!hasFailed(worker)) return emit({ code: worker.draining !== null ? 'worker_drained' : 'worker_gone', ...fields })
  const waitMs = nextWaitMs(state.starts, rng)
  state.starts = afterFailure(state.starts, clock.mono(), waitMs)
  const [life_s, wait_s] = [Math.round(worker.life_ms / 1000), Math.ceil(waitMs / 1000)]
  await emit({ code: 'worker_failed', ...fields, life_s, wait_s })
}

async function setDraining(
  { ledger, hints, log }: Context,
  { peer, name, draining }: { peer: PeerId; name: string; draining: boolean },
): Promise<void> {
  await ledger.setPeer(peer, { draining, reason: draining ? DRAIN_REASON : null })
  hints.publish({ what: 'peers', video: null })
  log.info(draining ? 'draining a worker' : 'cancelled the drain of a worker', { worker: name })
}

/** Starts this number of workers, unless the backoff after a failure has not passed. */
async function start(context: Context, count: number, reason: string): Promise<void> {
  const { launcher, rng, emit, self, state, clock } = context
  for (let started = 0; started < count && mayStart(state.starts, clock.mono()); started++) {
    const name = `${LAUNCHED_PREFIX}${rng.token().slice(0, 8)}`
    await launcher.start(context.spec(name, reason))
    await emit({ code: 'worker_started', peer: self, worker: name, reason })
    await reportRecovery(context)
  }
}

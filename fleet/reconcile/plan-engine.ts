/**
 * What to do on one engine so that it runs what the leader wants there. Pure: what is seen in, steps with their reasons out.
 *
 *   more are wanted         → the difference is started
 *   fewer are wanted        → some are drained: those that drain already count first (one that a person drains leaves anyway), then idle
 *                             ones, then busy ones; each ends by itself when it runs nothing
 *   more are wanted again   → a worker that drains as surplus and has not ended is kept instead of starting another
 *   a person drains one     → it counts until it has ended, and is replaced then
 *   ended, vanished, never joined → removed; what is wanted then is started in the same round
 *
 * INVARIANT: a worker that may hold a claim is never removed while it runs: scaling down costs no chunk.
 */
import type { PeerId } from '../../protocol/ids.ts'
import { SCALE_MS, WORKER_JOIN_MS, WORKER_VANISHED_MS } from '../../protocol/limits.ts'
import type { SeenWorker } from './observe-workers.ts'

/** One change on the engine. `keep`: a drain is undone. `why`: for the event, a phrase without a full stop. */
export type EngineStep =
  | { readonly do: 'remove'; readonly worker: SeenWorker; readonly why: string }
  | { readonly do: 'drain'; readonly worker: SeenWorker; readonly peer: PeerId }
  | { readonly do: 'keep'; readonly worker: SeenWorker; readonly peer: PeerId }
  | { readonly do: 'start'; readonly count: number }

/** What one round is decided from. */
export interface RoundView {
  /** By the leader. */
  readonly wanted: number
  /** Of this peer's configuration. */
  readonly max: number
  readonly workers: readonly SeenWorker[]
  /** How long the leader has counted on this engine, ms. */
  readonly counted_ms: number
}

/** What follows from it. */
export interface RoundDecision {
  readonly steps: readonly EngineStep[]
  /** More are wanted than may run here. */
  readonly isCapped: boolean
  /** Some are wanted, and no step is needed: the engine can run workers. */
  readonly isSatisfied: boolean
}

/** The steps of one round. Drains nobody before the leader has had the time to count on this engine: it wanted nothing of it until then. */
export function decideRound({ wanted, max, workers, counted_ms }: RoundView): RoundDecision {
  const steps = planEngine(Math.min(wanted, max), workers)
  const mayDrain = counted_ms >= 2 * SCALE_MS
  return {
    steps: mayDrain ? steps : steps.filter((step) => step.do !== 'drain'),
    isCapped: wanted > max,
    isSatisfied: wanted > 0 && steps.length === 0,
  }
}

/** The steps that make the engine run this many workers. */
export function planEngine(wanted: number, workers: readonly SeenWorker[]): EngineStep[] {
  const gone = workers.flatMap((worker) => {
    const why = whyGone(worker)
    return why === null ? [] : [{ do: 'remove' as const, worker, why }]
  })
  const alive = workers.filter((worker) => whyGone(worker) === null)
  const surplus = Math.max(0, alive.length - wanted)
  // One that has not joined has no peer to drain: it is drained once it has.
  const leaving = alive
    .filter((worker) => worker.peer !== null)
    .sort(byCost)
    .slice(0, surplus)
  const drain = leaving.flatMap((worker) =>
    worker.draining !== null || worker.peer === null ? [] : [{ do: 'drain' as const, worker, peer: worker.peer }],
  )
  const keep = alive.flatMap((worker) =>
    worker.draining === 'surplus' && worker.peer !== null && !leaving.includes(worker)
      ? [{ do: 'keep' as const, worker, peer: worker.peer }]
      : [],
  )
  const missing = wanted - alive.length
  return [...gone, ...drain, ...keep, ...(missing > 0 ? [{ do: 'start' as const, count: missing }] : [])]
}

/** Why a worker is to be removed; null while it is not. */
function whyGone(worker: SeenWorker): string | null {
  if (worker.state === 'ended')
    return worker.draining !== null ? 'drained' : `it ended: ${worker.how ?? 'nobody knows how'}`
  const seconds = Math.round(worker.unheard_ms / 1000)
  if (worker.peer === null)
    return worker.unheard_ms > WORKER_JOIN_MS ? `it did not join the mesh in ${seconds} s` : null
  return worker.unheard_ms > WORKER_VANISHED_MS ? `its peer was not heard for ${seconds} s` : null
}

const LEAVES_FIRST: readonly SeenWorker['draining'][] = ['asked', 'surplus', null]
const byCost = (a: SeenWorker, b: SeenWorker): number =>
  LEAVES_FIRST.indexOf(a.draining) - LEAVES_FIRST.indexOf(b.draining) || a.busy - b.busy || a.name.localeCompare(b.name)

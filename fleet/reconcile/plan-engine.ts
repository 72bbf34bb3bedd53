/**
 * The steps after which an engine runs the number of workers that the leader wants. Pure: observed workers in, steps with reasons out.
 *
 *   more are wanted         → the difference is started
 *   fewer are wanted        → some are drained: draining ones count first (also those that a person drains), then idle ones, then busy
 *                             ones; each ends by itself when it runs no attempt
 *   more are wanted again   → a worker that drains as surplus and has not ended is kept instead of starting another
 *   a person drains one     → it counts until it has ended, and is replaced then
 *   ended, vanished, never joined → removed; what is wanted then is started in the same round
 *
 * INVARIANT: a worker that may hold a claim is never removed while it runs: scaling down costs no chunk.
 */
import type { PeerId } from '../../protocol/ids.ts'
import { SCALE_MS, WORKER_JOIN_MS, WORKER_VANISHED_MS } from '../../protocol/limits.ts'
import type { SeenWorker } from './observe-workers.ts'

/** One change on the engine. `keep`: undoes a drain. `why`: for the event, a phrase without a full stop. */
export type EngineStep =
  | { readonly do: 'remove'; readonly worker: SeenWorker; readonly why: string }
  | { readonly do: 'drain'; readonly worker: SeenWorker; readonly peer: PeerId }
  | { readonly do: 'keep'; readonly worker: SeenWorker; readonly peer: PeerId }
  | { readonly do: 'start'; readonly count: number }

/** The input of the decision of a round. */
export interface RoundView {
  /** Number of workers that the leader wants. */
  readonly wanted: number
  /** Largest number of workers, by this peer's configuration. */
  readonly max: number
  readonly workers: readonly SeenWorker[]
  /** How long the leader has known that this engine is reached, ms. */
  readonly counted_ms: number
}

/** The decision of a round. */
export interface RoundDecision {
  readonly steps: readonly EngineStep[]
  /** Whether more workers are wanted than `max`. */
  readonly isCapped: boolean
  /** Whether workers are wanted and no step is needed: the engine can run workers. */
  readonly isSatisfied: boolean
}

/** The steps of one round. Drains no worker before the leader had time to include this engine: it wanted 0 workers there until then. */
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
  // A worker that has not joined has no peer id to drain: it is drained later.
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

/** Why a worker is to be removed, or null. */
function whyGone(worker: SeenWorker): string | null {
  if (worker.state === 'ended')
    return worker.draining !== null ? 'drained' : `it ended: ${worker.how ?? 'cause unknown'}`
  const seconds = Math.round(worker.unheard_ms / 1000)
  if (worker.peer === null)
    return worker.unheard_ms > WORKER_JOIN_MS ? `it did not join the mesh in ${seconds} s` : null
  return worker.unheard_ms > WORKER_VANISHED_MS ? `no heartbeat from its peer for ${seconds} s` : null
}

const LEAVES_FIRST: readonly SeenWorker['draining'][] = ['asked', 'surplus', null]
const byCost = (a: SeenWorker, b: SeenWorker): number =>
  LEAVES_FIRST.indexOf(a.draining) - LEAVES_FIRST.indexOf(b.draining) || a.busy - b.busy || a.name.localeCompare(b.name)

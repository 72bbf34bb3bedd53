/**
 * What to do on one engine so that it runs what the leader wants there. Pure: what is seen in, steps with their reasons out.
 *
 *   wanted more    → start the difference
 *   wanted fewer   → drain: those that drain already (who was asked to goes anyway, so it is the first to count), then idle
 *                    ones, then those that run; each ends by itself when nothing runs
 *   wanted again   → a worker that drains as surplus and still lives is kept instead of starting another
 *   a person drains one → it counts until it has ended, and is replaced then
 *   ended, vanished, never joined → removed; what is wanted then shows as a difference and is started anew
 *
 * INVARIANT: a worker that may hold a claim is never removed while it lives: scaling down costs no chunk.
 */
import type { PeerId } from '../protocol/ids.ts'
import { WORKER_JOIN_MS, WORKER_VANISHED_MS } from '../protocol/limits.ts'

export interface SeenWorker {
  readonly id: string
  readonly name: string
  readonly state: 'running' | 'ended'
  /** How long it ran; of one that runs, since this peer first saw it. */
  readonly life_ms: number
  readonly how: string | null
  /** Its peer, once it was heard. */
  readonly peer: PeerId | null
  /** Since it was last heard, or since it could have been, ms. */
  readonly unheard_ms: number
  readonly busy: number
  /** Because fewer were wanted, or because a person said so. */
  readonly draining: 'surplus' | 'asked' | null
}

export type HostStep =
  | { readonly do: 'remove'; readonly worker: SeenWorker; readonly why: string }
  | { readonly do: 'drain'; readonly worker: SeenWorker; readonly peer: PeerId }
  | { readonly do: 'keep'; readonly worker: SeenWorker; readonly peer: PeerId }
  | { readonly do: 'start'; readonly count: number }

export function planHost(wanted: number, workers: readonly SeenWorker[]): HostStep[] {
  const gone = workers.flatMap((worker) => {
    const why = whyGone(worker)
    return why === null ? [] : [{ do: 'remove' as const, worker, why }]
  })
  const alive = workers.filter((worker) => whyGone(worker) === null)
  const surplus = Math.max(0, alive.length - wanted)
  // Who has not joined yet can be told nothing: it is drained once it has.
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

/** Why a worker is to be removed, or null while it may live. */
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

/** The started workers of an engine, by the launcher's list, heartbeats and the ledger, and conclusions about each. Pure. */
import type { PeerId } from '../../protocol/ids.ts'
import type { LaunchedWorker } from '../../protocol/launcher.ts'
import type { PeerRecord } from '../../protocol/ledger.ts'
import { WORKER_HEALTHY_MS, WORKER_VANISHED_MS } from '../../protocol/limits.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'

/** A started worker as this peer sees it. */
export interface SeenWorker {
  readonly id: string
  readonly name: string
  readonly state: 'running' | 'ended'
  /** How long it ran, ms; of a running one, the time since this peer first saw it. */
  readonly life_ms: number
  /** How it ended, in words; null while it runs. */
  readonly how: string | null
  /** Whether this peer saw it running. */
  readonly watched: boolean
  /** Its peer id; null until it was heard. */
  readonly peer: PeerId | null
  /** Time since its last heartbeat, or since one could have been heard, ms. */
  readonly unheard_ms: number
  /** Number of encodes that it runs. */
  readonly busy: number
  /** Why it drains: fewer are wanted, or a person asked for it. */
  readonly draining: 'surplus' | 'asked' | null
}

/** The input of an observation. Times are monotonic ms. */
export interface Facts {
  readonly now: number
  /** When each worker was first seen running, by its id. */
  readonly firstSeen: ReadonlyMap<string, number>
  /** Silence before this time does not count (`silence.ts`). */
  readonly silenceFrom: number
  /** All peers that were ever heard. */
  readonly heard: readonly HeardPeer[]
  /** The present peers. */
  readonly present: ReadonlySet<PeerId>
  readonly records: readonly PeerRecord[]
}

/** The reason in a peer's record that marks a drain by the fleet, which may be undone, unlike a person's. Older peers write it too. */
export const DRAIN_REASON = 'fewer workers are wanted'

/** `firstSeen` after this list: running workers are added, workers that are no longer listed are removed. */
export function noteFirstSeen(
  firstSeen: ReadonlyMap<string, number>,
  listed: readonly LaunchedWorker[],
  now: number,
): ReadonlyMap<string, number> {
  return new Map(
    listed.flatMap(({ id, state }) => {
      const since = firstSeen.get(id) ?? (state === 'running' ? now : undefined)
      return since === undefined ? [] : [[id, since]]
    }),
  )
}

/** A listed worker, with its heartbeats and its record in the ledger. */
export function seeWorker(worker: LaunchedWorker, facts: Facts): SeenWorker {
  const { now, firstSeen, silenceFrom, heard, present, records } = facts
  const last = heard.find(({ beat }) => beat.name === worker.name)
  const life_ms = worker.life_ms ?? now - (firstSeen.get(worker.id) ?? now)
  const silentSince = Math.max(last?.heard_mono ?? now - life_ms, silenceFrom)
  // A present peer is not silent: in a large mesh heartbeats are further apart than `WORKER_VANISHED_MS`.
  const unheard_ms = last && present.has(last.peer) ? 0 : now - silentSince
  const record = records.find(({ _id }) => _id === last?.peer)
  return {
    id: worker.id,
    name: worker.name,
    state: worker.state,
    life_ms,
    how: worker.how,
    watched: firstSeen.has(worker.id),
    peer: last?.peer ?? null,
    unheard_ms,
    busy: last?.beat.busy ?? 0,
    draining: record?.draining ? (record.reason === DRAIN_REASON ? 'surplus' : 'asked') : null,
  }
}

/** Whether it runs, is in the mesh, and has run for `WORKER_HEALTHY_MS`. */
export const isHealthy = (worker: SeenWorker): boolean =>
  worker.state === 'running' &&
  worker.peer !== null &&
  worker.unheard_ms < WORKER_VANISHED_MS &&
  worker.life_ms > WORKER_HEALTHY_MS

/** Whether a healthy worker was started after the last failure: its cause is then repaired. */
export const wasStartedAfter = (worker: SeenWorker, failedAt: number, now: number): boolean =>
  isHealthy(worker) && now - worker.life_ms > failedAt

/** Whether the next start would probably fail too: this worker ended soon after its start, or never joined the mesh while this peer ran. */
export const hasFailed = (worker: SeenWorker): boolean =>
  worker.draining === null &&
  ((worker.state === 'ended' && worker.life_ms < WORKER_HEALTHY_MS) || (worker.peer === null && worker.watched))

/** What is known of each started worker of an engine, from the launcher's list, heartbeats and the ledger, and what that says. Pure. */
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
  /** How long it ran, ms; of one that runs, since this peer first saw it. */
  readonly life_ms: number
  /** How it ended, in words; null while it runs. */
  readonly how: string | null
  /** Whether this peer saw it running. */
  readonly watched: boolean
  /** Its peer; null until it was heard. */
  readonly peer: PeerId | null
  /** Since it was last heard, or since it could have been, ms. */
  readonly unheard_ms: number
  /** Encodes that it runs. */
  readonly busy: number
  /** Why it drains: fewer are wanted, or a person asked for it. */
  readonly draining: 'surplus' | 'asked' | null
}

/** Times are of the own monotonic clock, ms. */
export interface Facts {
  readonly now: number
  /** When each worker was first seen running, by its id. */
  readonly firstSeen: ReadonlyMap<string, number>
  /** Silence before this counts against nobody. */
  readonly silenceFrom: number
  /** Every peer that was ever heard. */
  readonly heard: readonly HeardPeer[]
  /** Those that are counted on now. */
  readonly present: ReadonlySet<PeerId>
  readonly records: readonly PeerRecord[]
}

/** The reason in a peer's record by which a drain of the fleet, which may be undone, is distinguished from a person's. Older peers write it too. */
export const DRAIN_REASON = 'fewer workers are wanted'

/** `firstSeen` after this list: those that run are added, those that are not listed any more go. */
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

/** What the launcher lists, completed by what was heard of its peer and what the ledger says of it. */
export function seeWorker(worker: LaunchedWorker, facts: Facts): SeenWorker {
  const { now, firstSeen, silenceFrom, heard, present, records } = facts
  const last = heard.find(({ beat }) => beat.name === worker.name)
  const life_ms = worker.life_ms ?? now - (firstSeen.get(worker.id) ?? now)
  const silentSince = Math.max(last?.heard_mono ?? now - life_ms, silenceFrom)
  // Who is present is not silent: in a large mesh heartbeats are further apart than a single worker may be silent.
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

/** It runs, is in the mesh, and has run for long enough. */
export const isHealthy = (worker: SeenWorker): boolean =>
  worker.state === 'running' &&
  worker.peer !== null &&
  worker.unheard_ms < WORKER_VANISHED_MS &&
  worker.life_ms > WORKER_HEALTHY_MS

/** A healthy worker that was started after the last failure: what that one failed of is repaired. */
export const wasStartedAfter = (worker: SeenWorker, failedAt: number, now: number): boolean =>
  isHealthy(worker) && now - worker.life_ms > failedAt

/** The next one is likely to fail as well: it ended soon after its start, or never became a peer while this one watched. */
export const hasFailed = (worker: SeenWorker): boolean =>
  worker.draining === null &&
  ((worker.state === 'ended' && worker.life_ms < WORKER_HEALTHY_MS) || (worker.peer === null && worker.watched))

/**
 * Which peers to quarantine: those that failed several tasks in a row which other peers then completed. The renditions of one chunk count as
 * one, as a single ffmpeg failed at them. A task that fails everywhere is completed by no peer and counts against none; a peer that completes
 * something in between starts over. Pure: the tasks that ended last in, decisions with their reasons out.
 */
import { NO_STRIKE } from '../../protocol/errors.ts'
import { chunkOf, type PeerId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Outcome, PeerRecord } from '../../protocol/ledger.ts'
import { QUARANTINE_AFTER_FAILURES, QUARANTINE_MS } from '../../protocol/limits.ts'
import type { Failure } from '../../protocol/task.ts'

/** A peer to quarantine. */
export interface QuarantineDecision {
  readonly peer: PeerId
  /** Length of the quarantine, ms. */
  readonly ms: number
  /** Number of quarantines in a row, this one included. */
  readonly quarantines: number
  readonly reason: string
}

/** What the ledger holds about outcomes and peers. */
export interface QuarantineInput {
  /** COMPLETED tasks, in any order. */
  readonly outcomes: readonly Outcome[]
  readonly records: readonly PeerRecord[]
  /** Ledger time, ms. */
  readonly now: number
}

/** Peers to quarantine now, each with how long and why. */
export function peersToQuarantine({ outcomes, records, now }: QuarantineInput): QuarantineDecision[] {
  const failing = new Set(outcomes.flatMap(({ failures }) => failures.map((failure) => failure.worker_id)))
  return [...failing].flatMap((peer) => {
    const record = records.find(({ _id }) => _id === peer)
    const until = record?.quarantined_until ?? null
    if (until !== null && until > now) return []
    const completedAt = Math.max(...outcomes.map((each) => (each.worker_id === peer ? (each.end_time ?? 0) : 0)), 0)
    // Failures before the last quarantine do not count again.
    const since = Math.max(completedAt, until ?? 0)
    const failures = outcomes.flatMap((outcome) => countedFailures(peer, outcome)).filter(({ at }) => at > since)
    const counted = [...new Map(failures.map((failure) => [failure.chunk, failure])).values()]
    if (counted.length < QUARANTINE_AFTER_FAILURES) return []
    const quarantines = until !== null && completedAt > until ? 1 : (record?.quarantines ?? 0) + 1
    const ms = quarantineMs(quarantines)
    const last = counted.reduce((a, b) => (b.at > a.at ? b : a))
    const reason = `quarantined for ${Math.round(ms / 60_000)} min: failed at ${counted.length} chunks in a row that others completed, last with ${last.code}: ${last.message}`
    return [{ peer, ms, quarantines, reason }]
  })
}

/** Length of the n-th quarantine in a row, ms. */
export const quarantineMs = (quarantines: number): number =>
  Math.min(QUARANTINE_MS.max, QUARANTINE_MS.base * 2 ** (quarantines - 1))

type CountedFailure = Pick<Failure, 'at' | 'code' | 'message'> & { readonly chunk: string }

/** The peer's last failure at an encode that another peer completed; failures without a strike (disk full, input missing) do not count. */
function countedFailures(peer: PeerId, { _id, kind, worker_id, failures }: Outcome): CountedFailure[] {
  const { countsAgainstPeer, scope } = kindFacts(kind)
  if (worker_id === null || worker_id === peer || !countsAgainstPeer) return []
  const own = failures.filter((failure) => failure.worker_id === peer && !NO_STRIKE.has(failure.code))
  return own.slice(-1).map((failure) => ({ ...failure, chunk: scope === 'chunk' ? chunkOf(_id) : _id }))
}

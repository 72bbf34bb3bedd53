/**
 * Which peers are not to be trusted with work for a while (DESIGN §7): those that failed at several tasks in a row which
 * others then completed. The renditions of one chunk are one: a single ffmpeg failed at them. A poison task fails everywhere and is completed by nobody, so it speaks against nobody; a peer that
 * completes something in between is not bad, only unlucky. Pure: the tasks that ended last in, a decision with its reason out.
 */
import { NO_STRIKE } from '../../protocol/errors.ts'
import { chunkOf, type PeerId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Outcome, PeerRecord } from '../../protocol/ledger.ts'
import { QUARANTINE_AFTER_FAILURES, QUARANTINE_MS } from '../../protocol/limits.ts'
import type { Failure } from '../../protocol/task.ts'

export interface Distrust {
  readonly peer: PeerId
  readonly ms: number
  /** How many in a row this is. */
  readonly quarantines: number
  readonly reason: string
}

export interface TrustInput {
  /** In any order. Tasks that did not end are not among them. */
  readonly outcomes: readonly Outcome[]
  readonly records: readonly PeerRecord[]
  /** Ledger time. */
  readonly now: number
}

/** Peers to quarantine now, each with how long and why. */
export function distrusted({ outcomes, records, now }: TrustInput): Distrust[] {
  const failing = new Set(outcomes.flatMap(({ failures }) => failures.map((failure) => failure.worker_id)))
  return [...failing].flatMap((peer) => {
    const record = records.find(({ _id }) => _id === peer)
    const until = record?.quarantined_until ?? null
    if (until !== null && until > now) return []
    const completedAt = Math.max(...outcomes.map((each) => (each.worker_id === peer ? (each.end_time ?? 0) : 0)), 0)
    // What led to the last quarantine has been paid for.
    const since = Math.max(completedAt, until ?? 0)
    const failures = outcomes.flatMap((outcome) => spoiledBy(peer, outcome)).filter(({ at }) => at > since)
    const spoiled = [...new Map(failures.map((failure) => [failure.chunk, failure])).values()]
    if (spoiled.length < QUARANTINE_AFTER_FAILURES) return []
    const quarantines = until !== null && completedAt > until ? 1 : (record?.quarantines ?? 0) + 1
    const ms = Math.min(QUARANTINE_MS.max, QUARANTINE_MS.base * 2 ** (quarantines - 1))
    const last = spoiled.reduce((a, b) => (b.at > a.at ? b : a))
    const reason = `quarantined for ${Math.round(ms / 60_000)} min: failed at ${spoiled.length} chunks in a row that others completed, last with ${last.code}: ${last.message}`
    return [{ peer, ms, quarantines, reason }]
  })
}

type Spoiled = Pick<Failure, 'at' | 'code' | 'message'> & { readonly chunk: string }

/** Its last failure at an encode that another completed. What circumstances did is no fault of its own. */
function spoiledBy(peer: PeerId, { _id, kind, worker_id, failures }: Outcome): Spoiled[] {
  const { countsAgainstPeer, scope } = kindFacts(kind)
  if (worker_id === null || worker_id === peer || !countsAgainstPeer) return []
  const own = failures.filter((failure) => failure.worker_id === peer && !NO_STRIKE.has(failure.code))
  return own.slice(-1).map((failure) => ({ ...failure, chunk: scope === 'chunk' ? chunkOf(_id) : _id }))
}

/**
 * PROCESSING → PENDING, or PROCESSING with the other claim: ends claims that still equal the observed ones. As a reclaim it is a coordinator's
 * write with its term, and may add a strike; as a restarted worker's release it has neither.
 */
import type { Document } from 'mongodb'
import type { FailureCode } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/ids.ts'
import type { ObservedClaim } from '../../protocol/ledger.ts'
import { STRIKES_MAX } from '../../protocol/limits.ts'
import { date, lit } from './bson.ts'
import { appended, claimsWithout, term as notNewer, SETTLE } from './pipeline.ts'
import type { Store } from './store.ts'

type Options = { term: number | null; strike: FailureCode | null }

/** Ends each claim by a write of its own, so that each has its own result; at most as many at once as there are connections. */
export async function endSeenClaims(
  store: Store,
  claims: readonly ObservedClaim[],
  options: Options,
): Promise<TaskId[]> {
  const ended = await Promise.all(claims.map((claim) => endSeenClaim(store, claim, options)))
  return claims.filter((_, n) => ended[n]).map(({ task }) => task)
}

async function endSeenClaim(store: Store, seen: ObservedClaim, { term, strike }: Options): Promise<boolean> {
  const { task, attempt, worker_id, token } = seen
  const claim = { attempt, worker_id, token, expires_at: date(seen.expires_at) }
  const filter = {
    _id: task,
    status: 'PROCESSING',
    claims: { $elemMatch: claim },
    ...(term === null ? {} : notNewer(term)),
  }
  const same = { $and: Object.entries(claim).map(([name, value]) => ({ $eq: [`$$claim.${name}`, lit(value)] })) }
  const set: Document = { claims: claimsWithout(same) }
  if (term !== null) set.coordinator_term = term
  if (strike) set.strikes = appended('$strikes', lit({ code: strike, worker_id, attempt }), STRIKES_MAX)
  return (await store.run(() => store.chunks.updateOne(filter, [{ $set: set }, ...SETTLE]))).matchedCount === 1
}

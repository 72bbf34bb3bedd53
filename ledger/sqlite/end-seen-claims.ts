/**
 * PROCESSING → PENDING, or PROCESSING with the other claim: ends claims that still equal the observed ones. As a reclaim it is a coordinator's
 * write with its term, and may add a strike; as a restarted worker's release it has neither.
 */
import type { FailureCode } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/ids.ts'
import type { ObservedClaim } from '../../protocol/ledger.ts'
import { STRIKES_MAX } from '../../protocol/limits.ts'
import { appended, settle, TERM } from './fragments.ts'
import type { Store } from './store.ts'

const SEEN = `value ->> 'attempt' = :attempt AND value ->> 'worker_id' = :worker AND value ->> 'token' = :token
  AND value ->> 'expires_at' = :expires`

const END = `UPDATE chunks SET ${settle(SEEN, 'not_before')}, coordinator_term=coalesce(:term, coordinator_term),
    strikes=iif(:strike IS NULL, strikes, ${appended('strikes', `json_object('code', :strike, 'worker_id', :worker, 'attempt', :attempt)`, STRIKES_MAX)})
  WHERE _id=:task AND status='PROCESSING' AND (:term IS NULL OR ${TERM})
    AND EXISTS (SELECT 1 FROM json_each(chunks.claims) WHERE ${SEEN}) RETURNING _id`

export async function endSeenClaims(
  store: Store,
  claims: readonly ObservedClaim[],
  { term, strike }: { term: number | null; strike: FailureCode | null },
): Promise<TaskId[]> {
  const ended: TaskId[] = []
  for (const { task, attempt, worker_id: worker, token, expires_at: expires } of claims) {
    const rows = await store.write('sure', END, { task, attempt, worker, token, expires, term, strike })
    if (rows.length > 0) ended.push(task)
  }
  return ended
}

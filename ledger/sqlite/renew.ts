/** Extends the claims of a worker's attempts in one statement. The compare is independent of clocks. */
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import type { Claim } from '../../protocol/task.ts'
import type { Store } from './store.ts'

/** Condition on a claim `c`: it is one of the worker's attempts to renew. */
const MINE = `(c.value ->> 'worker_id' = :worker AND EXISTS (SELECT 1 FROM json_each(:attempts) AS asked
  WHERE asked.value ->> 'task' = chunks._id AND asked.value ->> 'attempt' = c.value ->> 'attempt'))`

const RENEW = `UPDATE chunks SET claimable_at=max(claimable_at, :now + :claimMs),
    claims=(SELECT json_group_array(json(iif(${MINE}, json_set(c.value, '$.expires_at', :now + :claimMs), c.value)) ORDER BY c.key)
      FROM json_each(chunks.claims) AS c)
  WHERE _id IN (SELECT value ->> 'task' FROM json_each(:attempts)) AND status='PROCESSING'
    AND EXISTS (SELECT 1 FROM json_each(chunks.claims) AS c WHERE ${MINE}) RETURNING _id, claims`

type Attempt = { task: TaskId; attempt: number }

/** Renews the claims; answers the attempts whose claims have ended. */
export async function renew(store: Store, worker: PeerId, attempts: readonly Attempt[]): Promise<Attempt[]> {
  const rows = await store.write('light', RENEW, { worker, attempts: JSON.stringify(attempts), claimMs: store.claimMs })
  const claims = new Map(rows.map((row) => [row._id, JSON.parse(String(row.claims)) as Claim[]]))
  return attempts.filter(
    ({ task, attempt }) => !claims.get(task)?.some((claim) => claim.attempt === attempt && claim.worker_id === worker),
  )
}

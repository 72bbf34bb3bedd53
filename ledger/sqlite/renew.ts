/** PROCESSING → the same, with the attempts' claims fresh: all of a worker's in one statement, no clock in the compare. */
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import type { Claim } from '../../protocol/task.ts'
import type { Store } from './store.ts'

/** Over a claim `c`: it is the worker's, and asked for. */
const MINE = `(c.value ->> 'worker_id' = :worker AND EXISTS (SELECT 1 FROM json_each(:attempts) AS asked
  WHERE asked.value ->> 'task' = chunks._id AND asked.value ->> 'attempt' = c.value ->> 'attempt'))`

const RENEW = `UPDATE chunks SET claimable_at=max(claimable_at, :now + :claimMs),
    claims=(SELECT json_group_array(json(iif(${MINE}, json_set(c.value, '$.expires_at', :now + :claimMs), c.value)) ORDER BY c.key)
      FROM json_each(chunks.claims) AS c)
  WHERE _id IN (SELECT value ->> 'task' FROM json_each(:attempts)) AND status='PROCESSING'
    AND EXISTS (SELECT 1 FROM json_each(chunks.claims) AS c WHERE ${MINE}) RETURNING _id, claims`

type Attempt = { task: TaskId; attempt: number }

/** Answers those that are lost. */
export async function renew(store: Store, worker: PeerId, attempts: readonly Attempt[]): Promise<Attempt[]> {
  const rows = await store.write('light', RENEW, { worker, attempts: JSON.stringify(attempts), claimMs: store.claimMs })
  const claims = new Map(rows.map((row) => [row._id, JSON.parse(String(row.claims)) as Claim[]]))
  return attempts.filter(
    ({ task, attempt }) => !claims.get(task)?.some((claim) => claim.attempt === attempt && claim.worker_id === worker),
  )
}

/** PROCESSING → PENDING, or PROCESSING with the other claim: a worker's own fail (failure, maybe strike, backoff) or release. */
import { FAILURES_MAX, STRIKES_MAX } from '../../protocol/limits.ts'
import type { AttemptEnd } from '../steps.ts'
import { appended, MINE, settle } from './fragments.ts'
import type { Store } from './store.ts'

const GONE = `value ->> 'attempt' = :attempt`

const RELEASE = `UPDATE chunks SET ${settle(GONE, 'not_before')} WHERE ${MINE} RETURNING _id`

const FAIL = `UPDATE chunks SET ${settle(GONE, '(:now + :backoff)')},
    failures=${appended('failures', `json_set(json(:failure), '$.at', :now)`, FAILURES_MAX)},
    strikes=iif(:strike IS NULL, strikes, ${appended('strikes', `json_object('code', :strike, 'worker_id', :worker)`, STRIKES_MAX)})
  WHERE ${MINE} RETURNING _id`

export async function endAttempt(store: Store, end: AttemptEnd): Promise<boolean> {
  const { task, attempt, worker, failure, strike, backoff_ms } = end
  const rows = await store.write('sure', failure ? FAIL : RELEASE, {
    task,
    attempt,
    worker,
    strike,
    failure: failure && JSON.stringify(failure),
    backoff: Math.ceil(backoff_ms),
  })
  return rows.length > 0
}

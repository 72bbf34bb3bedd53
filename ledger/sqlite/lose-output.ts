/** COMPLETED → PENDING: the output is lost. The number of the attempt stays. */
import type { TaskId } from '../../protocol/ids.ts'
import { TERM } from './fragments.ts'
import type { Store } from './store.ts'

const LOSE = `UPDATE chunks SET status='PENDING', output=NULL, outputs='[]', output_path=NULL, completed_attempt=NULL, start_time=NULL,
    end_time=NULL, duration_ms=NULL, audit='undecided', not_before=:now, claimable_at=:now, coordinator_term=:term
  WHERE _id=:id AND status='COMPLETED' AND (:completed IS NULL OR completed_attempt=:completed) AND ${TERM} RETURNING _id`

export async function loseOutput(
  store: Store,
  id: TaskId,
  { completed_attempt: completed, term }: { completed_attempt: number | null; term: number },
): Promise<boolean> {
  return (await store.write('sure', LOSE, { id, completed, term })).length > 0
}

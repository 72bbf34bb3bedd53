/** PENDING → FAILED, while it has as many strikes as the leader counted. */
import type { TaskId } from '../../protocol/ids.ts'
import { TERM } from './fragments.ts'
import type { Store } from './store.ts'

const FAIL = `UPDATE chunks SET status='FAILED', coordinator_term=:term
  WHERE _id=:id AND status='PENDING' AND json_array_length(strikes) = :strikes AND ${TERM} RETURNING _id`

export async function failTask(
  store: Store,
  id: TaskId,
  { strikes, term }: { strikes: number; term: number },
): Promise<boolean> {
  return (await store.write('sure', FAIL, { id, strikes, term })).length > 0
}

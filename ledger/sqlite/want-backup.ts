/** PROCESSING with one claim → PROCESSING with `backup_wanted`: another worker may claim a second attempt. */
import type { TaskId } from '../../protocol/ids.ts'
import { TERM } from './fragments.ts'
import type { Store } from './store.ts'

const WANT = `UPDATE chunks SET backup_wanted=1, coordinator_term=:term
  WHERE _id=:id AND status='PROCESSING' AND attempt=:attempt AND json_array_length(claims) = 1 AND ${TERM} RETURNING _id`

export async function wantBackup(
  store: Store,
  id: TaskId,
  { attempt, term }: { attempt: number; term: number },
): Promise<boolean> {
  return (await store.write('sure', WANT, { id, attempt, term })).length > 0
}

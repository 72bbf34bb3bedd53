/** PENDING (or all claims run out) → claimed: this very task. */
import type { TaskId } from '../../../protocol/ids.ts'
import type { ClaimAsk, Claimed } from '../steps.ts'
import { claimed } from './claim-next.ts'
import { START } from './fragments.ts'
import type { Store } from './store.ts'

const CLAIM = `UPDATE chunks SET ${START} WHERE _id=:task AND (
    (status='PENDING' AND not_before <= :now) OR (:allowExpired AND status='PROCESSING' AND claimable_at <= :now)) RETURNING *`

export async function claimTask(
  store: Store,
  { worker, token, task, allowExpired }: ClaimAsk & { task: TaskId; allowExpired: boolean },
): Promise<Claimed | null> {
  return claimed(await store.write('light', CLAIM, { worker, token, task, allowExpired, claimMs: store.claimMs }))
}

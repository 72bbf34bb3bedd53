/** FAILED, CANCELLED → PENDING: strikes cleared, the attempt kept. */
import type { VideoId } from '../../protocol/ids.ts'
import { words } from './fragments.ts'
import type { Store } from './store.ts'

export async function reviveTasks(
  store: Store,
  video: VideoId,
  from: readonly ('FAILED' | 'CANCELLED')[],
): Promise<number> {
  const sql = `UPDATE chunks SET status='PENDING', strikes='[]', not_before=:now, claimable_at=:now
    WHERE video_id=:video AND status IN (${words(from)}) RETURNING _id`
  return (await store.write('sure', sql, { video })).length
}

/** PENDING, PROCESSING → CANCELLED: every task of a video that has ended. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Store } from './store.ts'

const CANCEL = `UPDATE chunks SET status='CANCELLED', claims='[]', backup_wanted=0, claimable_at=not_before
  WHERE video_id=:video AND status IN ('PENDING', 'PROCESSING') RETURNING _id`

export async function cancelTasks(store: Store, video: VideoId): Promise<number> {
  return (await store.write('sure', CANCEL, { video })).length
}

/** PENDING, PROCESSING → CANCELLED: every task of a video that has ended. Idempotent. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Store } from './store.ts'

export async function cancelTasks(store: Store, video: VideoId): Promise<number> {
  const filter = { video_id: video, status: { $in: ['PENDING', 'PROCESSING'] } }
  const set = { status: 'CANCELLED', claims: [], backup_wanted: false, claimable_at: '$not_before' }
  return (await store.run(() => store.chunks.updateMany(filter, [{ $set: set }], { hint: 'video' }))).modifiedCount
}

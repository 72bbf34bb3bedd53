/** FAILED, CANCELLED → PENDING: strikes cleared, the attempt kept. Idempotent. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Store } from './store.ts'

export async function reviveTasks(
  store: Store,
  video: VideoId,
  from: readonly ('FAILED' | 'CANCELLED')[],
): Promise<number> {
  const set = { status: 'PENDING', strikes: [], not_before: '$$NOW', claimable_at: '$$NOW' }
  const update = () =>
    store.chunks.updateMany({ video_id: video, status: { $in: from } }, [{ $set: set }], { hint: 'video' })
  return (await store.run(update)).modifiedCount
}

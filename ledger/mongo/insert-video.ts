/** (none) → QUEUED: inserts the video where its id is new. An upsert, as only a pipeline has the ledger's time. */
import type { Video } from '../../protocol/video.ts'
import { lit, newVideoDoc } from './bson.ts'
import type { Store } from './store.ts'

export async function insertVideo(store: Store, video: Video): Promise<boolean> {
  const fresh = {
    $mergeObjects: [lit(newVideoDoc(video)), { created_at: '$$NOW', ...(video.deadline === null && { due: '$$NOW' }) }],
  }
  const replace = { $replaceWith: { $cond: [{ $eq: [{ $type: '$status' }, 'missing'] }, fresh, '$$ROOT'] } }
  const { upsertedCount } = await store.run(() =>
    store.videos.updateOne({ _id: video._id }, [replace], { upsert: true }),
  )
  return upsertedCount === 1
}

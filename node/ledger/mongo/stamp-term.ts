/**
 * A coordinator's term on every video that one may still change (the open ones, and COMPLETED ones that are not delivered),
 * and on all their tasks: from then on the writes of an earlier coordinator match nothing there.
 */
import { OPEN_STATUSES } from '../../../protocol/video.ts'
import type { Store } from './store.ts'

const ALIVE = {
  $or: [
    { status: { $in: [...OPEN_STATUSES] } },
    { status: 'COMPLETED', deliveries: { $elemMatch: { done_at: null } } },
  ],
}

export async function stampTerm(store: Store, term: number): Promise<number> {
  const lower = { coordinator_term: { $lt: term } }
  const set = { $set: { coordinator_term: term } }
  const videos = await store.run(() => store.videos.updateMany({ ...ALIVE, ...lower }, set))
  const alive = await store.run(() => store.videos.find(ALIVE, { projection: { _id: 1 } }).toArray())
  const filter = { video_id: { $in: alive.map(({ _id }) => _id) }, ...lower }
  const tasks = await store.run(() => store.chunks.updateMany(filter, set, { hint: 'video' }))
  return videos.modifiedCount + tasks.modifiedCount
}

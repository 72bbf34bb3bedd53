/** Marks the open deliveries of this peer and folder (and name, where given) as done. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Finished } from '../steps.ts'
import { lit } from './bson.ts'
import { notNewer } from './name-delivery.ts'
import type { Store } from './store.ts'

export async function finishDelivery(store: Store, id: VideoId, { peer, dir, name, term }: Finished): Promise<boolean> {
  const filter = {
    _id: id,
    deliveries: { $elemMatch: { peer, dir, done_at: null, ...(name !== undefined && { name }), ...notNewer(term) } },
  }
  const same = {
    $and: [
      { $eq: ['$$one.peer', lit(peer)] },
      { $eq: ['$$one.dir', lit(dir)] },
      { $eq: ['$$one.done_at', null] },
      ...(name === undefined ? [] : [{ $eq: ['$$one.name', lit(name)] }]),
      ...(term === undefined ? [] : [{ $lte: [{ $ifNull: ['$$one.term', 0] }, term] }]),
    ],
  }
  const done = {
    $cond: [same, { $mergeObjects: ['$$one', { done_at: '$$NOW', ...(term !== undefined && { term }) }] }, '$$one'],
  }
  const pipeline = [{ $set: { deliveries: { $map: { input: '$deliveries', as: 'one', in: done } } } }]
  return (await store.run(() => store.videos.updateOne(filter, pipeline))).matchedCount === 1
}

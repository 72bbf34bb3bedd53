/** A submit of an existing video: adds holders of the source and opens the delivery. The status stays. */
import type { Document } from 'mongodb'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Delivery } from '../../protocol/video.ts'
import { lit } from './bson.ts'
import { holders } from './pipeline.ts'
import type { Store } from './store.ts'

export async function joinVideo(
  store: Store,
  id: VideoId,
  join: { holders: readonly PeerId[]; delivery: Delivery | null; names: readonly string[] },
): Promise<void> {
  const set: Document = { 'source.holders': holders('$source.holders', join.holders) }
  if (join.delivery) set.deliveries = deliveries(join.delivery, join.names)
  await store.run(() => store.videos.updateOne({ _id: id }, [{ $set: set }]))
}

function deliveries({ peer, dir, name }: Delivery, names: readonly string[]): Document {
  const same = {
    $and: [{ $eq: ['$$one.peer', lit(peer)] }, { $eq: ['$$one.dir', lit(dir)] }, { $in: ['$$one.name', lit(names)] }],
  }
  return {
    $cond: [
      { $anyElementTrue: { $map: { input: '$deliveries', as: 'one', in: same } } },
      {
        $map: {
          input: '$deliveries',
          as: 'one',
          in: { $cond: [same, { $mergeObjects: ['$$one', { done_at: null }] }, '$$one'] },
        },
      },
      { $concatArrays: ['$deliveries', [lit({ peer, dir, name, done_at: null })]] },
    ],
  }
}

/** A submit of an existing video: adds holders of the source and opens the delivery, adds endpoints of webhooks. The status stays. */
import type { Document } from 'mongodb'
import type { VideoId } from '../../protocol/ids.ts'
import type { Delivery } from '../../protocol/video.ts'
import { WEBHOOK_URLS_MAX } from '../../protocol/webhook-url.ts'
import type { Join } from '../steps.ts'
import { lit } from './bson.ts'
import { holders } from './pipeline.ts'
import type { Store } from './store.ts'

export async function joinVideo(store: Store, id: VideoId, join: Join): Promise<void> {
  const set: Document = { 'source.holders': holders('$source.holders', join.holders) }
  if (join.shared) set['source.shared'] = lit(join.shared)
  if (join.delivery) set.deliveries = deliveries(join.delivery, join.names)
  if (join.webhooks.length > 0)
    set.webhooks = { $slice: [{ $concatArrays: ['$webhooks', added(join.webhooks)] }, WEBHOOK_URLS_MAX] }
  await store.run(() => store.videos.updateOne({ _id: id }, [{ $set: set }]))
}

const added = (urls: readonly string[]): Document => ({
  $filter: { input: lit(urls), as: 'url', cond: { $not: [{ $in: ['$$url', '$webhooks'] }] } },
})

function deliveries(delivery: Delivery, names: readonly string[]): Document {
  const { peer, dir, shared, mode } = delivery
  const ofPeer = { $and: [{ $eq: ['$$one.peer', lit(peer)] }, { $eq: ['$$one.dir', lit(dir)] }] }
  const inFolder = shared && {
    $and: [{ $eq: ['$$one.shared.folder', lit(shared.folder)] }, { $eq: ['$$one.shared.path', lit(shared.path)] }],
  }
  const same = { $and: [{ $or: [ofPeer, ...(inFolder ? [inFolder] : [])] }, { $in: ['$$one.name', lit(names)] }] }
  const opened = {
    $mergeObjects: ['$$one', lit({ done_at: null, ...(shared && { shared }), ...(mode !== undefined && { mode }) })],
  }
  return {
    $cond: [
      { $anyElementTrue: { $map: { input: '$deliveries', as: 'one', in: same } } },
      { $map: { input: '$deliveries', as: 'one', in: { $cond: [same, opened, '$$one'] } } },
      { $concatArrays: ['$deliveries', [lit(delivery)]] },
    ],
  }
}

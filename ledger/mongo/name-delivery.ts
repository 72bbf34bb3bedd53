/** Fixes the file name of an open delivery; the compare is the name it has. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Delivery } from '../../protocol/video.ts'
import type { Store } from './store.ts'

export async function nameDelivery(
  store: Store,
  id: VideoId,
  { peer, dir, name }: Pick<Delivery, 'peer' | 'dir' | 'name'>,
  to: string,
): Promise<boolean> {
  const filter = { _id: id, deliveries: { $elemMatch: { peer, dir, name, done_at: null } } }
  const options = { arrayFilters: [{ 'one.peer': peer, 'one.dir': dir, 'one.name': name, 'one.done_at': null }] }
  const { matchedCount } = await store.run(() =>
    store.videos.updateOne(filter, { $set: { 'deliveries.$[one].name': to } }, options),
  )
  return matchedCount === 1
}

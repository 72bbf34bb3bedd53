/** Fixes the file name of an open delivery; the compare is the name it has, and the term of the writer where that has one. */
import type { Document } from 'mongodb'
import type { VideoId } from '../../protocol/ids.ts'
import type { DeliveryKey } from '../../protocol/video.ts'
import type { Store } from './store.ts'

/** The compare of a delivery with the term of its writer. `at`: the path before the field. */
export const notNewer = (term: number | undefined, at = ''): Document =>
  term === undefined ? {} : { $or: [{ [`${at}term`]: null }, { [`${at}term`]: { $lte: term } }] }

export async function nameDelivery(store: Store, id: VideoId, key: DeliveryKey, to: string): Promise<boolean> {
  const { peer, dir, name, term } = key
  const filter = { _id: id, deliveries: { $elemMatch: { peer, dir, name, done_at: null, ...notNewer(term) } } }
  const one = { 'one.peer': peer, 'one.dir': dir, 'one.name': name, 'one.done_at': null, ...notNewer(term, 'one.') }
  const set = { 'deliveries.$[one].name': to, ...(term !== undefined && { 'deliveries.$[one].term': term }) }
  const { matchedCount } = await store.run(() => store.videos.updateOne(filter, { $set: set }, { arrayFilters: [one] }))
  return matchedCount === 1
}

/** Events that `status` shows: a capped collection keeps the newest. */
import type { LedgerEvent } from '../../protocol/ledger.ts'
import { fromBson, lit } from './bson.ts'
import type { Store } from './store.ts'

/** Adds an event under an id of its own, so that a retry finds it. An upsert, as only a pipeline has the ledger's time. */
export async function addEvent(store: Store, event: Omit<LedgerEvent, 'at'>): Promise<void> {
  const { what, peer, video, text } = event
  const set = {
    at: { $ifNull: ['$at', '$$NOW'] },
    what: lit(what),
    peer: lit(peer),
    video: lit(video),
    text: lit(text),
  }
  const _id = store.rng.token()
  await store.run(() => store.events.updateOne({ _id }, [{ $set: set }], { upsert: true }))
}

export async function readEvents(store: Store, limit: number): Promise<LedgerEvent[]> {
  const newest = (limit: number) => store.events.find({}, { sort: { $natural: -1 }, limit, projection: { _id: 0 } })
  return store.documents.all((await store.find(limit, newest)).map(fromBson), store.documents.event).reverse()
}

/** Records of peers: paused and draining, set by people, and quarantined, set by the leader. */
import type { Document } from 'mongodb'
import type { PeerId } from '../../protocol/ids.ts'
import { initialPeer, type PeerRecord } from '../../protocol/ledger.ts'
import type { Quarantine } from '../steps.ts'
import { dateOrNull, fromBson, lit } from './bson.ts'
import { findRaw, keptOf } from './kept-reads.ts'
import { after } from './pipeline.ts'
import type { Store } from './store.ts'

/** A record; one of an older program lacks newer fields, which get their defaults. */
const peerOf = (doc: Document): unknown => ({ ...initialPeer(doc._id as PeerId), ...(fromBson(doc) as object) })

/** Each look at the mesh reads all, and few have changed. */
async function find(store: Store, filter: object): Promise<PeerRecord[]> {
  const found = await store.find(undefined, () => findRaw(store.peers, filter, { sort: { _id: 1 } }))
  return keptOf(store.keptPeers, found, (stored) => store.documents.peer(peerOf(store.parse(stored))))
}

export const readPeers = (store: Store): Promise<PeerRecord[]> => find(store, {})

export const readPeer = async (store: Store, id: PeerId): Promise<PeerRecord | null> =>
  (await find(store, { _id: id }))[0] ?? null

export async function setPeer(store: Store, id: PeerId, change: Partial<Omit<PeerRecord, '_id'>>): Promise<void> {
  const { quarantined_until, ...plain } = change
  const set = quarantined_until === undefined ? plain : { ...plain, quarantined_until: dateOrNull(quarantined_until) }
  const { _id, ...blank } = initialPeer(id)
  const rest = Object.fromEntries(Object.entries(blank).filter(([name]) => !(name in set)))
  await store.run(() => store.peers.updateOne({ _id: id }, { $set: set, $setOnInsert: rest }, { upsert: true }))
}

export async function quarantine(
  store: Store,
  id: PeerId,
  { ms, quarantines, reason, seen }: Quarantine,
): Promise<boolean> {
  const filter = { _id: id, quarantined_until: dateOrNull(seen) }
  const set = { quarantined_until: after(ms), quarantines, reason: lit(reason) }
  return (await store.run(() => store.peers.updateOne(filter, [{ $set: set }]))).matchedCount === 1
}

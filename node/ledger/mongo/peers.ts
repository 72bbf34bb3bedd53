/** What people decided about peers: paused, draining, quarantined. */
import type { PeerId } from '../../../protocol/ids.ts'
import type { PeerRecord } from '../../../protocol/ledger.ts'
import { defaultPeer } from '../documents.ts'
import { dateOrNull, fromBson } from './bson.ts'
import type { Store } from './store.ts'

export async function readPeers(store: Store): Promise<PeerRecord[]> {
  return (await store.run(() => store.peers.find({}, { sort: { _id: 1 } }).toArray())).map(fromBson<PeerRecord>)
}

export async function readPeer(store: Store, id: PeerId): Promise<PeerRecord | null> {
  return fromBson(await store.run(() => store.peers.findOne({ _id: id })))
}

export async function setPeer(store: Store, id: PeerId, change: Partial<Omit<PeerRecord, '_id'>>): Promise<void> {
  const { quarantined_until, ...plain } = change
  const set = quarantined_until === undefined ? plain : { ...plain, quarantined_until: dateOrNull(quarantined_until) }
  const { _id, ...blank } = defaultPeer(id)
  const rest = Object.fromEntries(Object.entries(blank).filter(([name]) => !(name in set)))
  await store.run(() => store.peers.updateOne({ _id: id }, { $set: set, $setOnInsert: rest }, { upsert: true }))
}

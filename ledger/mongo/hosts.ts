/** Engines that run workers: who reaches them, and how many the leader wants there. */
import type { PeerId } from '../../protocol/ids.ts'
import type { HostRecord } from '../../protocol/ledger.ts'
import { HOST_PEERS_MAX } from '../../protocol/limits.ts'
import { fromBson, lit } from './bson.ts'
import { term as notNewer } from './pipeline.ts'
import type { Store } from './store.ts'

export async function readHosts(store: Store): Promise<HostRecord[]> {
  return (await store.run(() => store.hosts.find({}, { sort: { _id: 1 } }).toArray())).map(fromBson<HostRecord>)
}

/** An upsert whose pipeline leaves a record as it is where the peer is in it already. */
export async function reachHost(store: Store, engine: string, peer: PeerId): Promise<boolean> {
  const peers = { $ifNull: ['$peers', []] }
  const more = { $slice: [{ $concatArrays: [peers, [lit(peer)]] }, -HOST_PEERS_MAX] }
  const set = {
    wanted: { $ifNull: ['$wanted', 0] },
    reason: { $ifNull: ['$reason', null] },
    coordinator_term: { $ifNull: ['$coordinator_term', 0] },
    peers: { $cond: [{ $in: [lit(peer), peers] }, peers, more] },
  }
  const done = await store.run(() => store.hosts.updateOne({ _id: engine }, [{ $set: set }], { upsert: true }))
  return done.upsertedCount + done.modifiedCount > 0
}

export async function leaveHost(store: Store, engine: string, peer: PeerId): Promise<boolean> {
  const others = { $filter: { input: '$peers', as: 'one', cond: { $ne: ['$$one', lit(peer)] } } }
  const leave = () => store.hosts.updateOne({ _id: engine, peers: peer }, [{ $set: { peers: others } }])
  return (await store.run(leave)).modifiedCount > 0
}

export async function setWanted(
  store: Store,
  engine: string,
  change: { wanted: number; reason: string; term: number },
): Promise<boolean> {
  const { wanted, reason, term } = change
  const update = { $set: { wanted, reason, coordinator_term: term } }
  return (await store.run(() => store.hosts.updateOne({ _id: engine, ...notNewer(term) }, update))).matchedCount === 1
}

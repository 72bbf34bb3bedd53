/** Engines that run workers: the peers that reach them, and how many workers the leader wants there. */
import type { PeerId } from '../../protocol/ids.ts'
import type { EngineRecord } from '../../protocol/ledger.ts'
import { ENGINE_PEERS_MAX } from '../../protocol/limits.ts'
import { fromBson, lit } from './bson.ts'
import { term as notNewer } from './pipeline.ts'
import type { Store } from './store.ts'

export async function readEngines(store: Store): Promise<EngineRecord[]> {
  const found = await store.run(() => store.engines.find({}, { sort: { _id: 1 } }).toArray())
  return store.documents.all(found.map(fromBson), store.documents.engine)
}

/** An upsert whose pipeline leaves a record as it is where the peer is in it already. */
export async function addEnginePeer(store: Store, engine: string, peer: PeerId): Promise<boolean> {
  const peers = { $ifNull: ['$peers', []] }
  const more = { $slice: [{ $concatArrays: [peers, [lit(peer)]] }, -ENGINE_PEERS_MAX] }
  const set = {
    wanted: { $ifNull: ['$wanted', 0] },
    reason: { $ifNull: ['$reason', null] },
    coordinator_term: { $ifNull: ['$coordinator_term', 0] },
    peers: { $cond: [{ $in: [lit(peer), peers] }, peers, more] },
  }
  const done = await store.run(() => store.engines.updateOne({ _id: engine }, [{ $set: set }], { upsert: true }))
  return done.upsertedCount + done.modifiedCount > 0
}

export async function removeEnginePeer(store: Store, engine: string, peer: PeerId): Promise<boolean> {
  const others = { $filter: { input: '$peers', as: 'one', cond: { $ne: ['$$one', lit(peer)] } } }
  const leave = () => store.engines.updateOne({ _id: engine, peers: peer }, [{ $set: { peers: others } }])
  return (await store.run(leave)).modifiedCount > 0
}

export async function setWanted(
  store: Store,
  engine: string,
  change: { wanted: number; reason: string; term: number },
): Promise<boolean> {
  const { wanted, reason, term } = change
  const update = { $set: { wanted, reason, coordinator_term: term } }
  return (await store.run(() => store.engines.updateOne({ _id: engine, ...notNewer(term) }, update))).matchedCount === 1
}

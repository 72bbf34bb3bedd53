/** Engines that run workers: the peers that reach them, and how many workers the leader wants there. */
import type { PeerId } from '../../protocol/ids.ts'
import type { EngineRecord } from '../../protocol/ledger.ts'
import { ENGINE_PEERS_MAX } from '../../protocol/limits.ts'
import { TERM } from './fragments.ts'
import { engineOf } from './schema.ts'
import type { Store } from './store.ts'

export async function readEngines(store: Store): Promise<EngineRecord[]> {
  return store.documents.all(
    (await store.read('SELECT * FROM engines ORDER BY _id')).map(engineOf),
    store.documents.engine,
  )
}

const ROOM = `iif(json_array_length(peers) >= ${ENGINE_PEERS_MAX}, json_remove(peers, '$[0]'), peers)`
const REACH = `INSERT INTO engines (_id, wanted, reason, peers, coordinator_term) VALUES (:engine, 0, NULL, json_array(:peer), 0)
  ON CONFLICT(_id) DO UPDATE SET peers=json_insert(${ROOM}, '$[#]', :peer)
  WHERE NOT EXISTS (SELECT 1 FROM json_each(engines.peers) WHERE value=:peer) RETURNING _id`

export async function addEnginePeer(store: Store, engine: string, peer: PeerId): Promise<boolean> {
  return (await store.write('sure', REACH, { engine, peer })).length > 0
}

const LEAVE = `UPDATE engines SET peers=(SELECT json_group_array(value ORDER BY key) FROM json_each(engines.peers) WHERE value <> :peer)
  WHERE _id=:engine AND EXISTS (SELECT 1 FROM json_each(engines.peers) WHERE value=:peer) RETURNING _id`

export async function removeEnginePeer(store: Store, engine: string, peer: PeerId): Promise<boolean> {
  return (await store.write('sure', LEAVE, { engine, peer })).length > 0
}

const WANT = `UPDATE engines SET wanted=:wanted, reason=:reason, coordinator_term=:term WHERE _id=:engine AND ${TERM} RETURNING _id`

export async function setWanted(
  store: Store,
  engine: string,
  change: { wanted: number; reason: string; term: number },
): Promise<boolean> {
  return (await store.write('sure', WANT, { engine, ...change })).length > 0
}

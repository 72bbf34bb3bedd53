/** Records of peers: paused and draining, set by people, and quarantined, set by the leader. */
import type { PeerId } from '../../protocol/ids.ts'
import { initialPeer, type PeerRecord } from '../../protocol/ledger.ts'
import type { Quarantine } from '../steps.ts'
import { insertFromJson, PEER_COLUMNS, peerOf } from './schema.ts'
import type { Store } from './store.ts'

export async function readPeers(store: Store): Promise<PeerRecord[]> {
  return store.documents.all((await store.read('SELECT * FROM peers ORDER BY _id')).map(peerOf), store.documents.peer)
}

export async function readPeer(store: Store, id: PeerId): Promise<PeerRecord | null> {
  const [row] = await store.read('SELECT * FROM peers WHERE _id=:id', { id })
  return row ? store.documents.peer(peerOf(row)) : null
}

const INSERT = insertFromJson('peers', PEER_COLUMNS, {}).replace('DO NOTHING', 'DO UPDATE SET')

export async function setPeer(store: Store, id: PeerId, change: Partial<Omit<PeerRecord, '_id'>>): Promise<void> {
  const columns = Object.keys(PEER_COLUMNS).filter((column) => column !== '_id' && column in change)
  const sets = columns.map((column) => `${column}=excluded.${column}`)
  const documents = JSON.stringify([{ ...initialPeer(id), ...change }])
  await store.write('sure', `${INSERT} ${['_id=_id', ...sets].join(', ')}`, { documents })
}

const QUARANTINE = `UPDATE peers SET quarantined_until=:now + :ms, quarantines=:quarantines, reason=:reason
  WHERE _id=:id AND quarantined_until IS :seen RETURNING _id`

export async function quarantine(store: Store, id: PeerId, period: Quarantine): Promise<boolean> {
  return (await store.write('sure', QUARANTINE, { id, ...period })).length > 0
}

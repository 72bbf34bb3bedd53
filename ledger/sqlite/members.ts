/** Members of the mesh: one row each. */
import type { PeerId } from '../../protocol/ids.ts'
import { MEMBERS_MAX } from '../../protocol/limits.ts'
import type { Store } from './store.ts'

const ADD = `INSERT INTO members (_id, expires_at) VALUES (:id, :now + :ms)
  ON CONFLICT(_id) DO UPDATE SET expires_at=excluded.expires_at`

export async function addMember(store: Store, id: PeerId, ms: number): Promise<void> {
  await store.write('light', ADD, { id, ms })
  await store.write('light', 'DELETE FROM members WHERE expires_at <= :now')
}

export async function readMembers(store: Store): Promise<PeerId[]> {
  const rows = await store.read(
    `SELECT _id FROM members WHERE expires_at > :now ORDER BY expires_at DESC, _id LIMIT ${MEMBERS_MAX}`,
  )
  return store.documents.all(
    rows.map(({ _id }) => _id),
    store.documents.peerId,
  )
}

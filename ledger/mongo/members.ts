/** Members of the mesh: one small document each, which MongoDB removes some time after it has expired. */
import type { PeerId } from '../../protocol/ids.ts'
import { MEMBERS_MAX } from '../../protocol/limits.ts'
import { after } from './pipeline.ts'
import type { Store } from './store.ts'

export async function addMember(store: Store, id: PeerId, ms: number): Promise<void> {
  const set = [{ $set: { expires_at: after(ms) } }]
  await store.run(() => store.members.updateOne({ _id: id }, set, { upsert: true }))
}

export async function readMembers(store: Store): Promise<PeerId[]> {
  const unexpired = { $expr: { $gt: ['$expires_at', '$$NOW'] } }
  const options = { projection: { _id: 1 }, sort: { expires_at: -1 }, limit: MEMBERS_MAX } as const
  const found = await store.run(() => store.members.find(unexpired, options).toArray())
  return store.documents.all(
    found.map(({ _id }) => _id),
    store.documents.peerId,
  )
}

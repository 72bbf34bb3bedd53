/** Removes a holder that lacks the bytes from the input of an open task. */
import type { PeerId, Sha256, TaskId } from '../../protocol/ids.ts'
import type { Store } from './store.ts'

export async function removeInputHolder(store: Store, id: TaskId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  const status = { $in: ['PENDING', 'PROCESSING'] }
  const filter = { _id: id, status, 'input.sha256': sha256, 'input.holders': peer }
  const update = { $pull: { 'input.holders': peer } }
  return (await store.run(() => store.chunks.updateOne(filter, update as object))).matchedCount === 1
}

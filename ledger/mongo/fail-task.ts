/** PENDING → FAILED, while it has as many strikes as the leader counted. */
import type { TaskId } from '../../protocol/ids.ts'
import { term as notNewer } from './pipeline.ts'
import type { Store } from './store.ts'

export async function failTask(
  store: Store,
  id: TaskId,
  { strikes, term }: { strikes: number; term: number },
): Promise<boolean> {
  const filter = { _id: id, status: 'PENDING', strikes: { $size: strikes }, ...notNewer(term) }
  const update = { $set: { status: 'FAILED', coordinator_term: term } }
  return (await store.run(() => store.chunks.updateOne(filter, update))).matchedCount === 1
}

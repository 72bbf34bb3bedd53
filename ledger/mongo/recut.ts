/** Replaces the lost input of a PENDING task with a new cut. */
import type { Sha256, TaskId } from '../../protocol/ids.ts'
import type { TaskInput } from '../../protocol/task.ts'
import type { Store } from './store.ts'

export async function recut(store: Store, id: TaskId, lost: Sha256, input: TaskInput): Promise<boolean> {
  const filter = { _id: id, status: 'PENDING', 'input.sha256': lost }
  return (await store.run(() => store.chunks.updateOne(filter, { $set: { input: { ...input } } }))).matchedCount === 1
}

/** Replaces the lost input of a PENDING task with a new cut. */
import type { Sha256, TaskId } from '../../protocol/ids.ts'
import type { TaskInput } from '../../protocol/task.ts'
import type { Store } from './store.ts'

const RECUT = `UPDATE chunks SET input=:input WHERE _id=:id AND status='PENDING' AND input ->> 'sha256' = :lost RETURNING _id`

export async function recut(store: Store, id: TaskId, lost: Sha256, input: TaskInput): Promise<boolean> {
  return (await store.write('sure', RECUT, { id, lost, input: JSON.stringify(input) })).length > 0
}

/** PROCESSING with one claim → PROCESSING with `backup_wanted`: another worker may claim a second attempt. */
import type { TaskId } from '../../protocol/ids.ts'
import { term as notNewer } from './pipeline.ts'
import type { Store } from './store.ts'

export async function wantBackup(
  store: Store,
  id: TaskId,
  { attempt, term }: { attempt: number; term: number },
): Promise<boolean> {
  const filter = { _id: id, status: 'PROCESSING', attempt, claims: { $size: 1 }, ...notNewer(term) }
  const update = { $set: { backup_wanted: true, coordinator_term: term } }
  return (await store.run(() => store.chunks.updateOne(filter, update))).matchedCount === 1
}

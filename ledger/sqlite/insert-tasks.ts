/** (none) → PENDING: inserts the tasks whose ids are new, all in one statement, with the lease's term as it stands. */
import { initialTask, type NewTask } from '../../protocol/task.ts'
import { insertFromJson, TASK_COLUMNS } from './schema.ts'
import type { Store } from './store.ts'

const LEASE_TERM = `coalesce((SELECT term FROM leases WHERE _id='coordinator'), 0)`
const INSERT = `${insertFromJson('chunks', TASK_COLUMNS, {
  created_at: ':now',
  not_before: ':now',
  claimable_at: ':now',
  coordinator_term: LEASE_TERM,
})} RETURNING _id`

export async function insertTasks(store: Store, tasks: readonly NewTask[]): Promise<number> {
  const documents = JSON.stringify(tasks.map((task) => initialTask(task, 0, 0)))
  // Its video is synced before; the sweep, or its ingest, inserts again what a power cut took.
  return (await store.write('light', INSERT, { documents })).length
}

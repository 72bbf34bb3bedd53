/**
 * (none) → PENDING: inserts the tasks whose ids are new, with the lease's term and the ledger's time as read just before.
 * A repeated insert meets its own documents: duplicates are expected and no error.
 */
import { initialTask, type NewTask } from '../../protocol/task.ts'
import { newTaskDoc } from './bson.ts'
import { readTermAndTime } from './lease.ts'
import type { Store } from './store.ts'

const DUPLICATE = 11000

export async function insertTasks(store: Store, tasks: readonly NewTask[]): Promise<number> {
  if (tasks.length === 0) return 0
  const { term, now } = await readTermAndTime(store)
  return await store.run(async () => {
    // New documents for each try: the driver changes those that it is given.
    const documents = tasks.map((task) => newTaskDoc(initialTask(task, now, term)))
    try {
      return (await store.chunks.insertMany(documents, { ordered: false })).insertedCount
    } catch (error) {
      return insertedInSpiteOf(error)
    }
  })
}

function insertedInSpiteOf(error: unknown): number {
  const { writeErrors, insertedCount, result } = error as {
    writeErrors?: unknown
    insertedCount?: number
    result?: { insertedCount?: number }
  }
  const failed = Array.isArray(writeErrors) ? writeErrors : writeErrors ? [writeErrors] : []
  if (failed.length === 0 || !failed.every((one: { code?: unknown }) => one.code === DUPLICATE)) throw error
  return insertedCount ?? result?.insertedCount ?? 0
}

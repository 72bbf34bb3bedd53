/** COMPLETED → PENDING: the output is lost. The number of the attempt stays. */
import type { TaskId } from '../../protocol/ids.ts'
import { term as notNewer } from './pipeline.ts'
import type { Store } from './store.ts'

const NOTHING = {
  output: null,
  outputs: [],
  output_path: null,
  completed_attempt: null,
  start_time: null,
  end_time: null,
  duration_ms: null,
  audit: 'undecided',
}

export async function loseOutput(
  store: Store,
  id: TaskId,
  { completed_attempt, term }: { completed_attempt: number | null; term: number },
): Promise<boolean> {
  const filter = {
    _id: id,
    status: 'COMPLETED',
    ...notNewer(term),
    ...(completed_attempt === null ? {} : { completed_attempt }),
  }
  const set = { ...NOTHING, status: 'PENDING', not_before: '$$NOW', claimable_at: '$$NOW', coordinator_term: term }
  return (await store.run(() => store.chunks.updateOne(filter, [{ $set: set }]))).matchedCount === 1
}

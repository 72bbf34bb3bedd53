/** PROCESSING → COMPLETED, by the worker of an attempt that is still among the claims. */
import type { Completion } from '../steps.ts'
import { MINE } from './fragments.ts'
import type { Store } from './store.ts'

const COMPLETE = `UPDATE chunks SET status='COMPLETED', worker_id=:worker, completed_attempt=:attempt, end_time=:now,
    duration_ms=max(0, :now - start_time), output=:output, outputs=coalesce(:outputs, outputs),
    output_path=iif(:keepPath, output_path, :path), backup_wanted=0, claims='[]', claimable_at=not_before,
    speculative=(SELECT value ->> 'speculative' FROM json_each(chunks.claims) WHERE value ->> 'attempt' = :attempt)
  WHERE ${MINE} RETURNING _id`

export async function complete(store: Store, done: Completion): Promise<boolean> {
  const { task, attempt, worker, output, outputs, output_path } = done
  const rows = await store.write('sure', COMPLETE, {
    task,
    attempt,
    worker,
    output: output && JSON.stringify(output),
    outputs: outputs ? JSON.stringify(outputs) : null,
    path: output_path ?? null,
    keepPath: output_path === undefined,
  })
  return rows.length > 0
}

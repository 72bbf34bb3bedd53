/** COMPLETED → COMPLETED with another state of its audit; and the end of the wait for idle slots. */
import { IDLE_PRIORITY } from '../../protocol/limits.ts'
import type { Steps } from '../steps.ts'
import { TERM } from './fragments.ts'
import type { Store } from './store.ts'

const MARK = `UPDATE chunks SET audit=:to, coordinator_term=:term
  WHERE _id IN (SELECT value ->> 'task' FROM json_each(:tasks)) AND status='COMPLETED' AND audit=:from AND ${TERM}
    AND EXISTS (SELECT 1 FROM json_each(:tasks) WHERE value ->> 'task' = _id AND value ->> 'attempt' = completed_attempt)
  RETURNING _id`

export async function markAudits(store: Store, ...[tasks, change]: Parameters<Steps['markAudits']>): Promise<number> {
  // What a power cut takes is drawn again.
  return (await store.write('light', MARK, { ...change, tasks: JSON.stringify(tasks) })).length
}

const URGE = `UPDATE chunks SET priority=:priority, coordinator_term=:term
  WHERE video_id=:video AND status IN ('PENDING', 'PROCESSING') AND priority = ${IDLE_PRIORITY} AND ${TERM} RETURNING _id`

export async function urgeIdleTasks(
  store: Store,
  ...[video, change]: Parameters<Steps['urgeIdleTasks']>
): Promise<number> {
  return (await store.write('sure', URGE, { ...change, video })).length
}

/** Corrects priority, due, term and times of open tasks. */
import type { VideoId } from '../../protocol/ids.ts'
import { IDLE_PRIORITY, maxAheadMs } from '../../protocol/limits.ts'
import { misaligned, type SeenTask } from '../misaligned.ts'
import type { Alignment } from '../steps.ts'
import { TERM } from './fragments.ts'
import type { Store } from './store.ts'

/** Tasks that only idle slots run keep their priority. */
const OTHER = `status IN ('PENDING', 'PROCESSING') AND priority <> ${IDLE_PRIORITY}`
const PRIORITIZE = `UPDATE chunks SET priority=:priority
  WHERE video_id=:video AND ${OTHER} AND priority <> :priority RETURNING _id`

export async function prioritizeTasks(store: Store, video: VideoId, priority: number): Promise<number> {
  return (await store.write('sure', PRIORITIZE, { video, priority })).length
}

const DUE = `iif(kind IN (SELECT value FROM json_each(:planned)), :due, :dueOthers)`
const ALIGN = `UPDATE chunks SET priority=:priority, due=${DUE}, coordinator_term=:term
  WHERE video_id=:video AND ${OTHER} AND ${TERM} AND (priority <> :priority OR due <> ${DUE}) RETURNING _id`

const NEARER = `json_set(value, '$.expires_at', min(value ->> 'expires_at', :now + :claimMs))`
/** Clamps times that lie far ahead since the clock was set back: a backoff ends, and a claim lasts as long as after a renewal. */
const CLAMP_TIMES = `UPDATE chunks SET not_before=min(not_before, :now), claimable_at=:now + iif(status='PROCESSING', :claimMs, 0),
    claims=(SELECT json_group_array(json(${NEARER}) ORDER BY key) FROM json_each(chunks.claims))
  WHERE video_id=:video AND status IN ('PENDING', 'PROCESSING') AND ${TERM} AND claimable_at > :now + :maxAheadMs RETURNING _id`

const OPEN_TASKS = `SELECT video_id, kind, priority, due, claimable_at > :now + :maxAheadMs AS isFar FROM chunks INDEXED BY claim WHERE status='PENDING'
  UNION ALL SELECT video_id, kind, priority, due, claimable_at > :now + :maxAheadMs FROM chunks INDEXED BY expired WHERE status='PROCESSING'`

export async function alignTasks(store: Store, align: readonly Alignment[], term: number): Promise<number> {
  let aligned = 0
  const { claimMs } = store
  const open = (await store.read(OPEN_TASKS, { maxAheadMs: maxAheadMs(claimMs) })) as unknown as SeenTask[]
  const wrong = misaligned(align, open)
  for (const one of align.filter(({ video }) => wrong.has(video))) {
    aligned += (await store.write('sure', ALIGN, { ...one, planned: JSON.stringify(one.planned), term })).length
    const near = { video: one.video, term, claimMs, maxAheadMs: maxAheadMs(claimMs) }
    aligned += (await store.write('sure', CLAMP_TIMES, near)).length
  }
  return aligned
}

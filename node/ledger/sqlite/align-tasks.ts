/** Open tasks follow their video's priority and due, and the coordinator's term. */
import type { VideoId } from '../../../protocol/ids.ts'
import type { Steps } from '../steps.ts'
import { TERM } from './fragments.ts'
import type { Store } from './store.ts'

const PRIORITIZE = `UPDATE chunks SET priority=:priority
  WHERE video_id=:video AND status IN ('PENDING', 'PROCESSING') AND priority <> :priority RETURNING _id`

export async function prioritizeTasks(store: Store, video: VideoId, priority: number): Promise<number> {
  return (await store.write('sure', PRIORITIZE, { video, priority })).length
}

const DUE = `iif(kind='video', :due, :dueOthers)`
const ALIGN = `UPDATE chunks SET priority=:priority, due=${DUE}, coordinator_term=:term
  WHERE video_id=:video AND status IN ('PENDING', 'PROCESSING') AND ${TERM} AND (priority <> :priority OR due <> ${DUE}) RETURNING _id`

export async function alignTasks(
  store: Store,
  align: Parameters<Steps['alignTasks']>[0],
  term: number,
): Promise<number> {
  let aligned = 0
  for (const one of align) aligned += (await store.write('sure', ALIGN, { ...one, term })).length
  return aligned
}

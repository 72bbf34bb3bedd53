/**
 * Writes a coordinator's term on every open or undelivered video, on all their tasks, and on waiting webhook deliveries: from then on the writes of an earlier coordinator
 * match nothing there.
 */
import type { VideoId } from '../../protocol/ids.ts'
import { OPEN_STATUSES } from '../../protocol/video.ts'
import { words } from './fragments.ts'
import { IS_UNDELIVERED } from './schema.ts'
import type { Store } from './store.ts'

const ALIVE = `SELECT _id FROM videos WHERE status IN (${words(OPEN_STATUSES)})
  UNION ALL SELECT _id FROM videos INDEXED BY undelivered WHERE ${IS_UNDELIVERED}`

const VIDEOS = `UPDATE videos SET coordinator_term=:term WHERE coordinator_term < :term AND _id IN (${ALIVE}) RETURNING _id`
const TASKS = `UPDATE chunks SET coordinator_term=:term WHERE _id IN (SELECT _id FROM chunks INDEXED BY of_video
  WHERE coordinator_term < :term AND video_id IN (${ALIVE})) RETURNING _id`

const WEBHOOKS = `UPDATE webhooks SET coordinator_term=:term WHERE state='waiting' AND coordinator_term < :term RETURNING _id`

export async function stampTerm(store: Store, term: number): Promise<number> {
  const videos = await store.write('sure', VIDEOS, { term })
  const tasks = await store.write('sure', TASKS, { term })
  const webhooks = await store.write('sure', WEBHOOKS, { term })
  return videos.length + tasks.length + webhooks.length
}

const WITH_OPEN_TASKS = `SELECT video_id FROM chunks INDEXED BY claim WHERE status='PENDING'
  UNION SELECT video_id FROM chunks INDEXED BY expired WHERE status='PROCESSING'`

export async function videosWithOpenTasks(store: Store): Promise<VideoId[]> {
  return (await store.read(WITH_OPEN_TASKS)).map((row) => row.video_id as VideoId)
}

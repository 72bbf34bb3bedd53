/** COMPLETED → COMPLETED with another state of its audit; and the end of the wait for idle slots. */
import { IDLE_PRIORITY } from '../../protocol/limits.ts'
import type { Steps } from '../steps.ts'
import { term as notNewer } from './pipeline.ts'
import type { Store } from './store.ts'

export async function markAudits(
  store: Store,
  ...[tasks, { from, to, term }]: Parameters<Steps['markAudits']>
): Promise<number> {
  if (tasks.length === 0) return 0
  const these = tasks.map(({ task, attempt }) => ({ _id: task, completed_attempt: attempt }))
  const filter = { $or: these, status: 'COMPLETED', audit: from, ...notNewer(term) }
  const update = { $set: { audit: to, coordinator_term: term } }
  return (await store.run(() => store.chunks.updateMany(filter, update))).matchedCount
}

export async function urgeIdleTasks(
  store: Store,
  ...[video, { priority, term }]: Parameters<Steps['urgeIdleTasks']>
): Promise<number> {
  const status = { $in: ['PENDING', 'PROCESSING'] }
  const filter = { video_id: video, status, priority: IDLE_PRIORITY, ...notNewer(term) }
  const update = { $set: { priority, coordinator_term: term } }
  return (await store.run(() => store.chunks.updateMany(filter, update, { hint: 'video' }))).matchedCount
}

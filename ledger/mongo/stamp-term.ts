/**
 * Writes a coordinator's term on every open or undelivered video, on all their tasks, and on waiting webhook deliveries: from then on the writes of an earlier coordinator
 * match nothing there.
 */
import { OPEN_STATUSES } from '../../protocol/video.ts'
import { UNDELIVERED } from './read-videos.ts'
import type { Store } from './store.ts'

/** Two filters, each with its own index: one for both would scan all COMPLETED videos. */
const ALIVE = [
  { filter: { status: { $in: [...OPEN_STATUSES] } }, hint: 'created' },
  { filter: UNDELIVERED, hint: 'undelivered' },
]

export async function stampTerm(store: Store, term: number): Promise<number> {
  const lower = { coordinator_term: { $lt: term } }
  const set = { $set: { coordinator_term: term } }
  const alive: string[] = []
  let stamped = 0
  for (const { filter, hint } of ALIVE) {
    const update = () => store.videos.updateMany({ ...filter, ...lower }, set, { hint })
    stamped += (await store.run(update)).modifiedCount
    const ids = () => store.videos.find(filter, { projection: { _id: 1 }, hint }).toArray()
    alive.push(...(await store.run(ids)).map(({ _id }) => _id))
  }
  const waiting = () => store.webhooks.updateMany({ state: 'waiting', ...lower }, set, { hint: 'due' })
  stamped += (await store.run(waiting)).modifiedCount
  const tasks = { video_id: { $in: alive }, ...lower }
  return stamped + (await store.run(() => store.chunks.updateMany(tasks, set, { hint: 'video' }))).modifiedCount
}

/** Corrects priority, due, term and times of open tasks. Idempotent. */
import type { VideoId } from '../../protocol/ids.ts'
import { IDLE_PRIORITY, maxAheadMs } from '../../protocol/limits.ts'
import { misaligned, type SeenTask } from '../misaligned.ts'
import type { Alignment } from '../steps.ts'
import { date } from './bson.ts'
import { after, CLAIMABLE, term as notNewer } from './pipeline.ts'
import type { Store } from './store.ts'

const OPEN = { $in: ['PENDING', 'PROCESSING'] }

export async function prioritizeTasks(store: Store, video: VideoId, priority: number): Promise<number> {
  const filter = { video_id: video, status: OPEN, priority: { $nin: [priority, IDLE_PRIORITY] } }
  return (await store.run(() => store.chunks.updateMany(filter, { $set: { priority } }, { hint: 'video' })))
    .modifiedCount
}

export async function alignTasks(store: Store, align: readonly Alignment[], term: number): Promise<number> {
  const wrong = await misalignedVideos(store, align)
  if (wrong.size === 0) return 0
  const differing = align.filter(({ video }) => wrong.has(video))
  const writes = differing.flatMap(({ video, priority, due, dueOthers, planned }) => [
    aligned(video, { kind: { $in: planned } }, { priority, due: date(due) }, term),
    aligned(video, { kind: { $nin: planned } }, { priority, due: date(dueOthers) }, term),
    clampTimes(video, term, store.claimMs),
  ])
  return (await store.run(() => store.chunks.bulkWrite(writes, { ordered: false }))).modifiedCount
}

function aligned(video: VideoId, kind: object, values: { priority: number; due: Date }, term: number) {
  const differs = [{ priority: { $ne: values.priority } }, { due: { $ne: values.due } }]
  // Tasks that only idle slots run keep their priority.
  const isOther = { priority: { $ne: IDLE_PRIORITY } }
  const filter = { video_id: video, status: OPEN, ...kind, ...isOther, ...notNewer(term), $or: differs }
  return { updateMany: { filter, update: { $set: { ...values, coordinator_term: term } }, hint: 'video' } }
}

/** Clamps times that lie far ahead since the clock was set back: a backoff ends, and a claim lasts as long as after a renewal. */
function clampTimes(video: VideoId, term: number, claimMs: number) {
  const isFar = { $expr: { $gt: ['$claimable_at', after(maxAheadMs(claimMs))] } }
  const nearer = { $mergeObjects: ['$$one', { expires_at: { $min: ['$$one.expires_at', after(claimMs)] } }] }
  const update = [
    {
      $set: {
        not_before: { $min: ['$not_before', '$$NOW'] },
        claims: { $map: { input: '$claims', as: 'one', in: nearer } },
      },
    },
    CLAIMABLE,
  ]
  return {
    updateMany: { filter: { video_id: video, status: OPEN, ...notNewer(term), ...isFar }, update, hint: 'video' },
  }
}

/** The videos with an open task of which a value may differ, by one read: a write for each video would find hardly any. */
async function misalignedVideos(store: Store, align: readonly Alignment[]): Promise<ReadonlySet<VideoId>> {
  const isFar = { $gt: ['$claimable_at', after(maxAheadMs(store.claimMs))] }
  const projection = { _id: 0, video_id: 1, kind: 1, priority: 1, due: 1, isFar }
  const having = (status: string, hint: string) =>
    store.run(() => store.chunks.find<SeenTask>({ status }, { hint, projection }).toArray())
  const found = await Promise.all([having('PENDING', 'claim'), having('PROCESSING', 'expired')])
  return misaligned(align, found.flat())
}

/** Every transition of a video: one compare on status, term and plan, one write. */
import type { Document } from 'mongodb'
import type { VideoId } from '../../protocol/ids.ts'
import { isOpen, type Video } from '../../protocol/video.ts'
import type { VideoMove } from '../steps.ts'
import { date, lit } from './bson.ts'
import { term } from './pipeline.ts'
import type { Doc, Store } from './store.ts'

export async function moveVideo(store: Store, id: VideoId, move: VideoMove): Promise<boolean> {
  const update = async () =>
    (await store.videos.updateOne(compare(id, move), [{ $set: write(move) }])).matchedCount === 1
  return await store.run(update, async () => (isDone(move, await store.videos.findOne({ _id: id })) ? true : undefined))
}

function compare(id: VideoId, move: VideoMove): Document {
  return {
    _id: id,
    status: { $in: move.from },
    ...(move.term === undefined ? {} : term(move.term)),
    ...(move.plan === undefined ? {} : { plan: move.plan === 'absent' ? null : { $ne: null } }),
    ...(move.openDelivery ? { deliveries: { $elemMatch: { done_at: null } } } : {}),
  }
}

/** Fields whose numbers are dates in BSON. */
const TIMES: ReadonlySet<string> = new Set(['due', 'deadline'])

function write({ to, term, set = {} }: VideoMove): Document {
  const fields: Document = Object.fromEntries(
    Object.entries(set).map(([name, value]) => [
      name,
      lit(TIMES.has(name) && value !== null ? date(Number(value)) : value),
    ]),
  )
  if (to !== 'same') Object.assign(fields, { status: to, ended_at: isOpen(to) ? null : '$$NOW' })
  if (term !== undefined) fields.coordinator_term = term
  return fields
}

/** After a lost reply: whether the video is in a state that only this move could have made. */
function isDone({ from, to, term, set }: VideoMove, video: Doc | null): boolean {
  if (!video || to === 'same' || from.some((status) => status === to) || video.status !== to) return false
  if (term !== undefined && video.coordinator_term !== term) return false
  return !set?.plan || (video.plan as Video['plan'])?.sha256 === set.plan.sha256
}

/** Reads of videos. */
import type { FindCursor, FindOptions } from 'mongodb'
import type { VideoId } from '../../protocol/ids.ts'
import type { VideoQuery } from '../../protocol/ledger.ts'
import type { Video, VideoStatus } from '../../protocol/video.ts'
import { date, fromBson } from './bson.ts'
import { findRaw, keptOne } from './kept-reads.ts'
import type { Store } from './store.ts'

const find = (store: Store, filter: object, options: FindOptions): FindCursor<Uint8Array> =>
  findRaw(store.videos, filter, options)

const videoIn = (store: Store): ((stored: Uint8Array) => Video | null) =>
  keptOne(store.keptVideos, (stored) => store.documents.video(fromBson(store.parse(stored))))

const videosIn = (store: Store, found: readonly Uint8Array[]): Video[] =>
  found.map(videoIn(store)).filter((video) => video !== null)

export async function readVideo(store: Store, id: VideoId): Promise<Video | null> {
  const found = await store.run(() => find(store, { _id: id }, { limit: 1 }).toArray())
  return videosIn(store, found)[0] ?? null
}

/** Videos, newest last; with a limit only the newest. */
export async function readVideos(store: Store, { ids, statuses, before, since, limit }: VideoQuery): Promise<Video[]> {
  const filter = {
    ...(ids && { _id: { $in: [...ids] } }),
    ...(statuses && { status: { $in: [...statuses] } }),
    ...((before || since !== undefined) && {
      created_at: {
        ...(before && { $lte: date(before.created_at) }),
        ...(since !== undefined && { $gte: date(since) }),
      },
    }),
    ...(before && {
      $or: [{ created_at: { $lt: date(before.created_at) } }, { _id: { $lt: before._id } }],
    }),
  }
  const newest = (limit: number) =>
    find(store, filter, { sort: { created_at: -1, _id: -1 }, limit, ...(ids && { hint: '_id_' }) })
  if (limit === undefined) return (await store.findEach(() => newest(0), videoIn(store))).reverse()
  return videosIn(store, await store.find(limit, newest)).reverse()
}

export async function countVideos(store: Store, statuses: readonly VideoStatus[]): Promise<Map<VideoStatus, number>> {
  const counts = [{ $match: { status: { $in: [...statuses] } } }, { $group: { _id: '$status', count: { $sum: 1 } } }]
  const found = await store.run(() => store.videos.aggregate<{ _id: VideoStatus; count: number }>(counts).toArray())
  return new Map(found.map(({ _id, count }) => [_id, count]))
}

/** Queried with the index `undelivered`. `peer` is compared too, as the index holds null for an empty list. */
export const UNDELIVERED = { status: 'COMPLETED', deliveries: { $elemMatch: { done_at: null, peer: { $gt: '' } } } }

export async function readUndeliveredVideos(store: Store): Promise<Video[]> {
  const found = () => find(store, UNDELIVERED, { sort: { created_at: 1, _id: 1 }, hint: 'undelivered' }).toArray()
  return videosIn(store, await store.run(found))
}

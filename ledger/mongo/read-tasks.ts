/** Reads of tasks and claims. */
import type { Sort } from 'mongodb'
import type { PeerId, TaskId, Token, VideoId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Counts, ObservedClaim, Outcome, Progress } from '../../protocol/ledger.ts'
import type { Claim, Task, TaskStatus } from '../../protocol/task.ts'
import { videosOf } from '../documents.ts'
import type { Steps } from '../steps.ts'
import { date, fromBson } from './bson.ts'
import { findRaw, keptOne } from './kept-reads.ts'
import { BATCH, type Doc, type Store } from './store.ts'

export async function readTask(store: Store, id: TaskId): Promise<Task | null> {
  const found = await store.run(() => store.chunks.findOne({ _id: id }))
  return found && store.documents.task(fromBson(found))
}

export async function readTasks(store: Store, query: Parameters<Steps['tasks']>[0]): Promise<Task[]> {
  const { status, video, videos, kinds, worker, tried, audits, heldByNoneOf, limit } = query
  const isOfWholeVideos = kinds?.every((kind) => kindFacts(kind).scope === 'video') === true
  const filter = {
    status,
    ...(video === undefined ? {} : { video_id: video }),
    ...(videos === undefined ? {} : { video_id: { $in: [...videos] } }),
    ...(kinds === undefined ? {} : { kind: { $in: kinds } }),
    // A task of the whole video has its kind as class.
    ...(isOfWholeVideos ? { class: { $in: kinds } } : {}),
    ...(tried ? { attempt: { $gt: 0 } } : {}),
    ...(audits === undefined ? {} : { audit: { $in: audits } }),
    ...(worker === undefined ? {} : { 'claims.worker_id': worker }),
    ...(heldByNoneOf === undefined ? {} : { input: { $ne: null }, 'input.holders': { $nin: heldByNoneOf } }),
  }
  const sort: Sort = video === undefined ? { _id: 1 } : { rank: 1, _id: 1 }
  const options = (limit: number) => ({ sort, limit, ...way(query) })
  if (isOfWholeVideos) {
    const taskIn = keptOne(store.keptTasks, (stored) => store.documents.task(fromBson(store.parse(stored))))
    return limit === 0 ? [] : await store.findEach(() => findRaw(store.chunks, filter, options(limit ?? 0)), taskIn)
  }
  return tasksOf(store, await store.find(limit, (limit) => store.chunks.find(filter, options(limit))))
}

const tasksOf = ({ documents }: Store, found: readonly Doc[]): Task[] =>
  documents.all(found.map(fromBson), documents.task)

/** Indexes by status, which queries name: otherwise the server may scan the whole collection in the order of the result. Other statuses are rare. */
const OF_ALL_VIDEOS: Partial<Record<TaskStatus, object>> = {
  PENDING: { hint: 'claim' },
  PROCESSING: { hint: 'expired' },
}

/** The index for a query. */
function way({ status, video, videos, tried }: Parameters<Steps['tasks']>[0]): object {
  if (tried && status === 'PENDING') return { hint: 'tried' }
  return video === undefined && videos === undefined ? (OF_ALL_VIDEOS[status] ?? {}) : { hint: 'video' }
}

type Count = Counts[number]
type Row = { _id: { video: VideoId } & Omit<Count, 'count'>; count: number }

/** Counts by the index `video` alone. */
export async function readProgress(store: Store, videos: readonly VideoId[]): Promise<Progress> {
  const progress = new Map<VideoId, Count[]>()
  for (const id of videos) progress.set(id, [])
  const pipeline = [
    { $match: { video_id: { $in: videos } } },
    {
      $group: {
        _id: { video: '$video_id', kind: '$kind', resolution: '$resolution', status: '$status' },
        count: { $sum: 1 },
      },
    },
  ]
  for (const { _id, count } of await store.run(() =>
    store.chunks.aggregate<Row>(pipeline, { hint: 'video', batchSize: BATCH }).toArray(),
  )) {
    const { video, ...of } = _id
    if (store.documents.count({ ...of, count, video_id: video })) progress.get(video)?.push({ ...of, count })
  }
  return progress
}

/** By the index `done` alone. */
export async function readCompletedSince(store: Store, since: number): Promise<VideoId[]> {
  const filter = { status: 'COMPLETED', end_time: { $gte: date(since) } }
  const find = () => store.chunks.find(filter, { hint: 'done', projection: { _id: 1 } }).toArray()
  return videosOf((await store.run(find)).map(({ _id }) => String(_id)))
}

export async function readOutcomes(store: Store, limit: number): Promise<Outcome[]> {
  const projection = { kind: 1, worker_id: 1, end_time: 1, failures: 1 }
  const newest = (limit: number) =>
    store.chunks.find({ status: 'COMPLETED' }, { hint: 'done', sort: { end_time: -1, _id: 1 }, limit, projection })
  return store.documents.all((await store.find(limit, newest)).map(fromBson), store.documents.outcome)
}

/** The classes of the tasks that match, by one key of a partial index for each: as `distinct`, which cannot use `$$NOW`. */
const classesOf = (match: object): object[] => [{ $match: match }, { $group: { _id: '$class' } }]
const BACKUPS = classesOf({ status: 'PROCESSING', backup_wanted: true })
const EXPIRED = classesOf({ status: 'PROCESSING', $expr: { $lte: ['$claimable_at', '$$NOW'] } })

/** Reads three partial indexes by one command: idle workers ask it all the time. */
export async function claimableClasses(store: Store): Promise<string[]> {
  const others = [BACKUPS, EXPIRED].map((pipeline) => ({ $unionWith: { coll: 'chunks', pipeline } }))
  const pipeline = [...classesOf({ status: 'PENDING' }), ...others]
  const found = await store.run(() => store.chunks.aggregate<{ _id: unknown }>(pipeline).toArray())
  return [...new Set(found.map(({ _id }) => String(_id)))].sort()
}

/** PROCESSING tasks with a claim of this token. */
export async function claimsByToken(store: Store, token: Token): Promise<Task[]> {
  const filter = { status: 'PROCESSING', 'claims.token': token }
  const find = () => store.chunks.find(filter, { hint: 'expired', sort: { _id: 1 } }).toArray()
  return tasksOf(store, await store.run(find))
}

export async function claimsOf(store: Store, worker: PeerId): Promise<ObservedClaim[]> {
  const filter = { status: 'PROCESSING', 'claims.worker_id': worker }
  const find = () =>
    store.chunks.find(filter, { hint: 'expired', sort: { _id: 1 }, projection: { claims: 1 } }).toArray()
  const claims = (await store.run(find)).flatMap(({ _id, claims }) =>
    ([fromBson(claims)].flat() as Claim[])
      .filter((claim) => claim.worker_id === worker)
      .map(({ attempt, worker_id, token, expires_at }) => ({ task: _id, attempt, worker_id, token, expires_at })),
  )
  return store.documents.all(claims, store.documents.claim)
}

export async function videosWithOpenTasks(store: Store): Promise<VideoId[]> {
  const having = (status: TaskStatus, hint: string) => {
    const pipeline = [{ $match: { status } }, { $group: { _id: '$video_id' } }]
    return store.run(() => store.chunks.aggregate<{ _id: VideoId }>(pipeline, { hint }).toArray())
  }
  const found = await Promise.all([having('PENDING', 'claim'), having('PROCESSING', 'expired')])
  return [...new Set(found.flat().map(({ _id }) => _id))]
}

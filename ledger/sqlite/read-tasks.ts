/** Reads of tasks and claims. */
import type { PeerId, TaskId, Token, VideoId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Counts, ObservedClaim, Outcome, Progress } from '../../protocol/ledger.ts'
import type { Task, TaskStatus } from '../../protocol/task.ts'
import { videosOf } from '../documents.ts'
import type { Steps } from '../steps.ts'
import { LACKS_INPUT, words } from './fragments.ts'
import { parsed, type Row, taskOf } from './schema.ts'
import type { Store } from './store.ts'

export async function readTask(store: Store, id: TaskId): Promise<Task | null> {
  const [row] = await store.read('SELECT * FROM chunks WHERE _id=:id', { id })
  return row ? store.documents.task(taskOf(row)) : null
}

const tasksOf = ({ documents }: Store, rows: readonly Row[]): Task[] => documents.all(rows.map(taskOf), documents.task)

/** Indexes by status; other statuses are read by video, or rarely. */
const OF_ALL_VIDEOS: Partial<Record<TaskStatus, string>> = { PENDING: 'claim', PROCESSING: 'expired' }

export async function readTasks(store: Store, query: Parameters<Steps['tasks']>[0]): Promise<Task[]> {
  const {
    status,
    video = null,
    videos,
    kinds,
    worker = null,
    tried = false,
    audits,
    heldByNoneOf,
    limit = null,
  } = query
  const where = [`status=${words([status])}`]
  const isOfAll = video === null && videos === undefined
  const index = tried && status === 'PENDING' ? 'tried' : isOfAll ? OF_ALL_VIDEOS[status] : 'of_video'
  if (tried) where.push('attempt > 0')
  if (video !== null) where.push('video_id=:video')
  if (videos) where.push('video_id IN (SELECT value FROM json_each(:videos))')
  // Lists as words, and no limit where none is asked for: each list of JSON, and each sorted list with a limit, costs a table of its own, which takes
  // longer than all else of a look at few tasks.
  if (kinds) where.push(`kind IN (${words(kinds)})`)
  // A task of the whole video has its kind as class.
  if (kinds?.every((kind) => kindFacts(kind).scope === 'video')) where.push(`class IN (${words(kinds)})`)
  if (audits) where.push(`audit IN (${words(audits)})`)
  if (worker !== null) where.push(`EXISTS (SELECT 1 FROM json_each(claims) WHERE value ->> 'worker_id' = :worker)`)
  if (heldByNoneOf) where.push(LACKS_INPUT)
  const sql = `SELECT * FROM chunks ${index ? `INDEXED BY ${index}` : ''} WHERE ${where.join(' AND ')}
    ORDER BY ${video === null ? '_id' : 'rank, _id'} ${limit === null ? '' : 'LIMIT :limit'}`
  const parameters = {
    video,
    videos: JSON.stringify(videos ?? []),
    worker,
    limit,
    present: JSON.stringify(heldByNoneOf ?? []),
  }
  return store.readEach(sql, parameters, (row) => store.documents.task(taskOf(row)))
}

const PROGRESS = `SELECT video_id, kind, resolution, status, count(*) AS count FROM chunks
  WHERE video_id IN (SELECT value FROM json_each(:videos)) GROUP BY video_id, status, kind, resolution`

export async function readProgress(store: Store, videos: readonly VideoId[]): Promise<Progress> {
  const progress = new Map<VideoId, Counts[number][]>()
  for (const id of videos) progress.set(id, [])
  for (const row of await store.read(PROGRESS, { videos: JSON.stringify(videos) })) {
    const { video_id, ...count } = row as unknown as { video_id: VideoId } & Counts[number]
    if (store.documents.count(row)) progress.get(video_id)?.push(count)
  }
  return progress
}

const SINCE = `SELECT _id FROM chunks INDEXED BY done WHERE status='COMPLETED' AND end_time >= :since`

export async function readCompletedSince(store: Store, since: number): Promise<VideoId[]> {
  return videosOf((await store.read(SINCE, { since })).map((row) => String(row._id)))
}

const OUTCOMES = `SELECT _id, kind, worker_id, end_time, failures FROM chunks INDEXED BY done
  WHERE status='COMPLETED' ORDER BY end_time DESC, _id LIMIT :limit`

export async function readOutcomes(store: Store, limit: number): Promise<Outcome[]> {
  const rows = (await store.read(OUTCOMES, { limit })).map((row) => ({ ...row, failures: parsed(row.failures) }))
  return store.documents.all(rows, store.documents.outcome)
}

const CLASSES = `SELECT DISTINCT class FROM chunks WHERE status='PENDING'
  UNION SELECT class FROM chunks WHERE status='PROCESSING' AND claimable_at <= :now
  UNION SELECT class FROM chunks WHERE status='PROCESSING' AND backup_wanted=1 ORDER BY 1`

export async function claimableClasses(store: Store): Promise<string[]> {
  return (await store.read(CLASSES)).map((row) => String(row.class))
}

const BY_TOKEN = `SELECT * FROM chunks INDEXED BY expired WHERE status='PROCESSING'
  AND EXISTS (SELECT 1 FROM json_each(claims) WHERE value ->> 'token' = :token) ORDER BY _id`

export async function claimsByToken(store: Store, token: Token): Promise<Task[]> {
  return tasksOf(store, await store.read(BY_TOKEN, { token }))
}

const OF_WORKER = `SELECT _id AS task, c.value ->> 'attempt' AS attempt, c.value ->> 'worker_id' AS worker_id,
    c.value ->> 'token' AS token, c.value ->> 'expires_at' AS expires_at
  FROM chunks INDEXED BY expired, json_each(claims) AS c WHERE status='PROCESSING' AND c.value ->> 'worker_id' = :worker ORDER BY _id`

export async function claimsOf(store: Store, worker: PeerId): Promise<ObservedClaim[]> {
  const rows = (await store.read(OF_WORKER, { worker })).map((row) => ({ ...row }))
  return store.documents.all(rows, store.documents.claim)
}

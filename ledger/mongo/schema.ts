/**
 * Indexes and collections. All exist before the first hinted query: a hint on a missing collection gives an empty result without an error. A
 * changed index gets a new name (error 86 otherwise).
 *
 * `claim`, `tried`, `expired` and `backup` are partial: they hold PENDING and PROCESSING tasks, and do not grow with ended ones; `done` holds
 * only COMPLETED ones. `undelivered` holds COMPLETED videos, the undelivered ones first.
 */
import type { Db, IndexDescription } from 'mongodb'
import { EVENTS_MAX } from '../../protocol/limits.ts'
import { checkSchemaVersion, SCHEMA_VERSION } from '../../protocol/schema-version.ts'
import { isTransient } from './transient.ts'

const CHUNKS: IndexDescription[] = [
  {
    name: 'claim',
    key: { status: 1, class: 1, priority: -1, due: 1, rank: 1, _id: 1, not_before: 1 },
    partialFilterExpression: { status: 'PENDING' },
  },
  {
    name: 'tried',
    key: { status: 1, video_id: 1 },
    partialFilterExpression: { status: 'PENDING', attempt: { $gt: 0 } },
  },
  { name: 'expired', key: { status: 1, claimable_at: 1 }, partialFilterExpression: { status: 'PROCESSING' } },
  {
    name: 'backup',
    key: { status: 1, backup_wanted: 1, class: 1 },
    partialFilterExpression: { status: 'PROCESSING', backup_wanted: true },
  },
  { name: 'done', key: { status: 1, end_time: -1, _id: 1 }, partialFilterExpression: { status: 'COMPLETED' } },
  {
    name: 'video',
    key: { video_id: 1, status: 1, rank: 1, _id: 1, kind: 1, resolution: 1, coordinator_term: 1, audit: 1 },
  },
]
const VIDEOS: IndexDescription[] = [
  { name: 'created', key: { status: 1, created_at: 1, _id: 1 } },
  {
    name: 'undelivered',
    key: { status: 1, 'deliveries.done_at': 1, 'deliveries.peer': 1 },
    partialFilterExpression: { status: 'COMPLETED' },
  },
]

const WEBHOOKS: IndexDescription[] = [
  { name: 'due', key: { state: 1, next_at: 1 }, partialFilterExpression: { state: 'waiting' } },
  { name: 'place', key: { n: 1, _id: 1 } },
  { name: 'ended', key: { ended_at: 1 }, partialFilterExpression: { ended_at: { $type: 'date' } } },
]

const NOTES: IndexDescription[] = [{ name: 'lease', key: { lease: 1, key: 1 } }]
/** MongoDB itself removes members and kept requests that have expired. */
const EXPIRING: IndexDescription[] = [{ name: 'expired', key: { expires_at: 1 }, expireAfterSeconds: 0 }]

export async function makeIndexes(db: Db, where: string): Promise<void> {
  await again(() => checkVersion(db, where))
  await again(() => db.collection('chunks').createIndexes(CHUNKS))
  await again(() => db.collection('videos').createIndexes(VIDEOS))
  await again(() => db.collection('notes').createIndexes(NOTES))
  await again(() => db.collection('members').createIndexes(EXPIRING))
  await again(() => db.collection('requests').createIndexes(EXPIRING))
  await again(() => db.collection('webhooks').createIndexes(WEBHOOKS))
  await again(() => makeEvents(db))
}

async function checkVersion(db: Db, where: string): Promise<void> {
  const schema = db.collection<{ _id: string; version: number }>('schema')
  const insert = { $setOnInsert: { version: SCHEMA_VERSION } }
  const found = await schema.findOneAndUpdate({ _id: 'schema' }, insert, { upsert: true, returnDocument: 'after' })
  if (found)
    checkSchemaVersion(`the ledger in the database ${db.databaseName} at ${where}`, found.version, 'another database')
}

/** Creates the collection of events; NamespaceExists means that another process was first. */
async function makeEvents(db: Db): Promise<void> {
  try {
    await db.createCollection('events', { capped: true, size: EVENTS_MAX.bytes, max: EVENTS_MAX.count })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 48) throw error
  }
}

/** Tries again: processes that start together meet each other's index builds, which a second try finds done. */
async function again(act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!isTransient(error)) throw error
    await act()
  }
}

/**
 * The tables of the SQLite ledger, and how their rows become documents. Columns carry the field names of the documents, so
 * that people may ask with `sqlite3`; what is nested is JSON text (`claims ->> '$[0].worker_id'`). Each document's columns
 * are listed once, here: the tables, the inserts and the reading of rows come out of that list.
 */
import type { EngineRecord, PeerRecord } from '../../protocol/ledger.ts'
import { EVENTS_MAX } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import type { WebhookDelivery } from '../../protocol/webhook-delivery.ts'
import type { StoredForm } from '../kept-documents.ts'

interface Column {
  readonly sql: string
  readonly as: 'plain' | 'json' | 'flag'
}
const key: Column = { sql: 'TEXT PRIMARY KEY NOT NULL', as: 'plain' }
const text: Column = { sql: 'TEXT NOT NULL', as: 'plain' }
const textOrNull: Column = { sql: 'TEXT', as: 'plain' }
const whole: Column = { sql: 'INTEGER NOT NULL', as: 'plain' }
const wholeOrNull: Column = { sql: 'INTEGER', as: 'plain' }
const real: Column = { sql: 'REAL NOT NULL', as: 'plain' }
const flag: Column = { sql: 'INTEGER NOT NULL', as: 'flag' }
const json: Column = { sql: 'TEXT NOT NULL', as: 'json' }
const jsonOrNull: Column = { sql: 'TEXT', as: 'json' }

type Columns<T> = Readonly<Record<keyof T & string, Column>>

export const VIDEO_COLUMNS: Columns<Video> = {
  _id: key,
  name: text,
  created_at: whole,
  due: whole,
  deadline: wholeOrNull,
  priority: real,
  recipe: json,
  source: json,
  status: text,
  plan: jsonOrNull,
  outputs: json,
  deliveries: json,
  webhooks: json,
  failure: textOrNull,
  ended_at: wholeOrNull,
  coordinator_term: whole,
}

const VIDEO_NAMES = Object.keys(VIDEO_COLUMNS)

export const TASK_COLUMNS: Columns<Task> = {
  _id: key,
  kind: text,
  class: text,
  video_id: text,
  chunk_id: whole,
  resolution: text,
  status: text,
  worker_id: textOrNull,
  start_time: wholeOrNull,
  end_time: wholeOrNull,
  duration_ms: wholeOrNull,
  attempt: whole,
  speculative: flag,
  output_path: textOrNull,
  created_at: whole,
  start_pts: whole,
  end_pts: whole,
  time_base: text,
  frames: whole,
  input: jsonOrNull,
  output: jsonOrNull,
  outputs: json,
  claims: json,
  claimable_at: whole,
  completed_attempt: wholeOrNull,
  coordinator_term: whole,
  strikes: json,
  failures: json,
  backup_wanted: flag,
  audit: text,
  not_by: json,
  not_before: whole,
  priority: real,
  due: whole,
  rank: whole,
}

export const PEER_COLUMNS: Columns<PeerRecord> = {
  _id: key,
  paused: flag,
  draining: flag,
  quarantined_until: wholeOrNull,
  quarantines: whole,
  reason: textOrNull,
  audits_agreed: whole,
}

export const ENGINE_COLUMNS: Columns<EngineRecord> = {
  _id: key,
  wanted: whole,
  reason: textOrNull,
  peers: json,
  coordinator_term: whole,
}

export const WEBHOOK_COLUMNS: Columns<WebhookDelivery> = {
  _id: key,
  n: whole,
  type: text,
  video: textOrNull,
  url: text,
  body: text,
  state: text,
  created_at: whole,
  attempts: whole,
  answer: textOrNull,
  next_at: whole,
  until: whole,
  ended_at: wholeOrNull,
  coordinator_term: whole,
}

const table = (name: string, columns: Columns<never> | Readonly<Record<string, Column>>): string =>
  `CREATE TABLE IF NOT EXISTS ${name} (${Object.entries(columns)
    .map(([column, { sql }]) => `${column} ${sql}`)
    .join(', ')}) STRICT`

/** COMPLETED with an open delivery. By text, as an index cannot read a JSON list; a quote in a name is escaped there. */
export const IS_UNDELIVERED = `status='COMPLETED' AND instr(deliveries, '"done_at":null') > 0`

/**
 * `claim` holds only PENDING tasks (`tried`: those claimed before), `expired` only PROCESSING ones, `undelivered` only undelivered videos: none
 * grows with ended ones (docs/ledger.md §3).
 * INVARIANT: a partial index serves a query only where the status is in the statement, not in a parameter; and a query that sorts names its
 * index (INDEXED BY), as SQLite prefers the scan of a whole sorted table to sorting a few rows.
 * `of_video` alone answers counts, terms and which audits are open; within a video and status it is in the order of `rank`, `_id`.
 */
export const SCHEMA: readonly string[] = [
  table('videos', VIDEO_COLUMNS),
  'CREATE INDEX IF NOT EXISTS video_created ON videos(status, created_at, _id)',
  `CREATE INDEX IF NOT EXISTS undelivered ON videos(created_at, _id) WHERE ${IS_UNDELIVERED}`,
  'CREATE TABLE IF NOT EXISTS plans (_id TEXT PRIMARY KEY NOT NULL, plan TEXT NOT NULL) STRICT',
  table('chunks', TASK_COLUMNS),
  `CREATE INDEX IF NOT EXISTS claim ON chunks(class, priority DESC, due, rank, _id, not_before) WHERE status='PENDING'`,
  `CREATE INDEX IF NOT EXISTS expired ON chunks(claimable_at) WHERE status='PROCESSING'`,
  `CREATE INDEX IF NOT EXISTS backup ON chunks(class) WHERE status='PROCESSING' AND backup_wanted=1`,
  'CREATE INDEX IF NOT EXISTS of_video ON chunks(video_id, status, rank, _id, kind, resolution, coordinator_term, audit)',
  `CREATE INDEX IF NOT EXISTS tried ON chunks(video_id) WHERE status='PENDING' AND attempt > 0`,
  `CREATE INDEX IF NOT EXISTS done ON chunks(end_time DESC, _id) WHERE status='COMPLETED'`,
  'CREATE TABLE IF NOT EXISTS members (_id TEXT PRIMARY KEY NOT NULL, expires_at INTEGER NOT NULL) STRICT',
  `CREATE TABLE IF NOT EXISTS requests (_id TEXT PRIMARY KEY NOT NULL, request TEXT NOT NULL, token TEXT NOT NULL, answer TEXT,
     expires_at INTEGER NOT NULL) STRICT`,
  'CREATE INDEX IF NOT EXISTS request_expires ON requests(expires_at)',
  table('webhooks', WEBHOOK_COLUMNS),
  `CREATE INDEX IF NOT EXISTS webhook_due ON webhooks(next_at) WHERE state='waiting'`,
  'CREATE INDEX IF NOT EXISTS webhook_place ON webhooks(n, _id)',
  'CREATE INDEX IF NOT EXISTS webhook_ended ON webhooks(ended_at) WHERE ended_at IS NOT NULL',
  table('peers', PEER_COLUMNS),
  table('engines', ENGINE_COLUMNS),
  `CREATE TABLE IF NOT EXISTS leases (_id TEXT PRIMARY KEY NOT NULL, holder TEXT, nonce TEXT NOT NULL, term INTEGER NOT NULL,
     expires_at INTEGER NOT NULL) STRICT`,
  `CREATE TABLE IF NOT EXISTS notes (lease TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, term INTEGER NOT NULL,
     PRIMARY KEY (lease, key)) STRICT`,
  `CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, what TEXT NOT NULL, peer TEXT,
     video TEXT, text TEXT NOT NULL) STRICT`,
  `CREATE TRIGGER IF NOT EXISTS cap_events AFTER INSERT ON events
     BEGIN DELETE FROM events WHERE n <= NEW.n - ${EVENTS_MAX.count}; END`,
]

export type Row = Readonly<Record<string, unknown>>

/** The document of a row, as it is stored: JSON that cannot be read is undefined, which no schema takes. */
function document<T>(columns: Columns<T>, row: Row): unknown {
  const made: Record<string, unknown> = {}
  for (const [name, { as }] of Object.entries<Column>(columns)) {
    const value = row[name]
    made[name] = as === 'flag' ? value === 1 : as === 'json' && value !== null ? parsed(value) : value
  }
  return made
}

/** The value of JSON text; undefined for another text. */
export function parsed(json: unknown): unknown {
  try {
    return JSON.parse(String(json))
  } catch {
    return undefined
  }
}

/** Each document is checked by its schema before it is used (check-documents.ts). */
export const videoOf = (row: Row): unknown => document(VIDEO_COLUMNS, row)
/** Videos are stored alike where all columns are. */
export const VIDEO_FORM: StoredForm<Row> = {
  isSame: (one, other) => VIDEO_NAMES.every((name) => one[name] === other[name]),
  copy: (row) => row,
}
export const taskOf = (row: Row): unknown => document(TASK_COLUMNS, row)
export const engineOf = (row: Row): unknown => document(ENGINE_COLUMNS, row)
export const peerOf = (row: Row): unknown => document(PEER_COLUMNS, row)

/**
 * An INSERT of any number of documents given as one JSON array `:documents`; columns named in `instead` take that SQL.
 * `->>` answers scalars as SQL values and objects as their JSON text: exactly the content of the columns.
 */
export function insertFromJson<T>(
  name: string,
  columns: Columns<T>,
  instead: Partial<Record<keyof T & string, string>>,
): string {
  const names = Object.keys(columns) as (keyof T & string)[]
  const values = names.map((column) => instead[column] ?? `value ->> '$.${column}'`)
  return `INSERT INTO ${name} (${names.join(', ')}) SELECT ${values.join(', ')} FROM json_each(:documents) WHERE true
    ON CONFLICT(_id) DO NOTHING`
}

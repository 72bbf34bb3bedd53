/**
 * How SQLite goes about the repeated queries of nodes and the leader: by SQLite's own plan of each statement that these calls
 * prepare, no call walks what is finished. Plans do not depend on what is in the tables, for nothing here runs ANALYZE.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { ANN, chunk, classOf, TERM, token, videoIn } from '../../protocol/conformance/ledger/world.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { OPEN_STATUSES, type Video } from '../../protocol/video.ts'
import { IS_UNDELIVERED } from './schema.ts'
import { createSqliteLedger } from './sqlite-ledger.ts'

/** They hold what is open, what is undelivered, or (`done`) are read from the newest end. */
const SMALL = 'claim|tried|expired|backup|undelivered|done'
const FINE = new RegExp(
  `^(SCAN|SEARCH) \\w+ USING (COVERING )?INDEX (${SMALL})\\b|USING (COVERING )?INDEX (sqlite_autoindex_\\w+ \\(_id=\\?\\)|of_video \\(video_id=\\?|video_created \\(status=\\?)`,
)

const asks: Readonly<Record<string, (ledger: Ledger, video: Video) => Promise<unknown>>> = {
  'a claim': async (ledger, { _id }) => {
    for (const from of ['pending', 'expired', 'backup'] as const)
      await ledger.claimNext({ worker: ANN, token: token(from), classes: [classOf(_id)], present: [ANN], from })
  },
  'a claim read back, its renewal, and what a peer holds': async (ledger) => {
    for (const { _id, attempt } of await ledger.claimsByToken(token('pending')))
      await ledger.renew(ANN, [{ task: _id, attempt }])
    await ledger.claimsOf(ANN)
    await ledger.tasks({ worker: ANN })
  },
  'classes that may be claimed': (ledger) => ledger.pendingClasses(),
  'control tasks': (ledger) =>
    ledger.tasks({ kinds: ['merge', 'ingest'], statuses: ['PENDING', 'PROCESSING'], limit: 256 }),
  'what runs': (ledger) => ledger.tasks({ kinds: ['video'], statuses: ['PROCESSING'] }),
  'inputs that nobody holds': async (ledger, { _id: video }) => {
    await ledger.tasks({ statuses: ['PENDING'], heldByNoneOf: [ANN] })
    await ledger.tasks({ video, statuses: ['PENDING'], heldByNoneOf: [ANN] })
  },
  'whether something waits': (ledger) => ledger.tasks({ kinds: ['video'], statuses: ['PENDING'], limit: 1 }),
  'what failed before': async (ledger, { _id: video }) => {
    await ledger.tasks({ statuses: ['PENDING'], tried: true })
    await ledger.tasks({ video, statuses: ['PENDING'], tried: true })
  },
  'tasks of a video': async (ledger, { _id: video }) => {
    await ledger.tasks({ video, kinds: ['video'] })
    await ledger.tasks({ video, kinds: ['video'], statuses: ['COMPLETED'], limit: 60 })
    await ledger.tasks({ videos: [video], statuses: ['PENDING', 'PROCESSING'] })
    await ledger.tasks({ videos: [video], kinds: ['video'], statuses: ['COMPLETED'], audits: ['chosen'] })
  },
  'counts of videos': (ledger, { _id }) => ledger.progress([_id]),
  'how the last tasks ended': (ledger) => ledger.outcomes(100),
  'what was completed lately, and some videos': async (ledger, { _id }) => {
    await ledger.completedSince(5)
    await ledger.videos({ ids: [_id], statuses: OPEN_STATUSES })
  },
  'open videos, and undelivered ones': async (ledger) => {
    await ledger.videos({ statuses: OPEN_STATUSES })
    await ledger.undeliveredVideos()
  },
  'the sweep, with something to repair': async (ledger) => {
    const cancelled = await videoIn(ledger, 'CANCELLED')
    const open = await videoIn(ledger, 'MERGING')
    await ledger.insertTasks([chunk(cancelled, 0), chunk(open, 0)])
    await ledger.sweep(TERM + 1)
  },
}

async function opened(t: TestContext): Promise<{ ledger: Ledger; database: DatabaseSync }> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-plans-'))
  const path = join(dir, 'ledger.sqlite')
  const ledger = createSqliteLedger({ path, clock: systemClock, rng: systemRng, log: silentLog })
  await ledger.open()
  const database = new DatabaseSync(path)
  t.after(async () => {
    database.close()
    await ledger.close()
    await rm(dir, { recursive: true, force: true })
  })
  return { ledger, database }
}

const { prepare } = DatabaseSync.prototype

/** The statements about tasks and videos that the call prepares; a ledger that was just opened prepares all that it uses. */
async function statementsOf(t: TestContext, ledger: Ledger, call: () => Promise<unknown>): Promise<Set<string>> {
  await ledger.close()
  await ledger.open()
  const asked = new Set<string>()
  t.mock.method(DatabaseSync.prototype, 'prepare', function (this: DatabaseSync, sql: string) {
    if (/\b(chunks|videos)\b/.test(sql) && !/^\s*INSERT/.test(sql)) asked.add(sql)
    return prepare.call(this, sql)
  })
  await call()
  t.mock.restoreAll()
  assert.ok(asked.size > 0)
  return asked
}

const planOf = (database: DatabaseSync, sql: string): string[] =>
  prepare
    .call(database, `EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail))

/** Steps of the statement's plan that grow with what is finished. */
function walks(database: DatabaseSync, sql: string): string[] {
  const steps = planOf(database, sql)
  const tables = steps.filter((step) => /^(SCAN|SEARCH) (chunks|videos)\b/.test(step))
  const byStatus = steps.some((step) => step.includes('video_created'))
  const others =
    sql.includes(IS_UNDELIVERED) && steps.some((step) => step.includes('undelivered'))
      ? sql.replaceAll(IS_UNDELIVERED, '')
      : sql
  if (byStatus && /COMPLETED|FAILED|CANCELLED/.test(others)) return ['videos that have ended']
  return tables.filter((step) => !FINE.test(step))
}

test('repeated queries do not grow with ended tasks and videos', async (t) => {
  const { ledger, database } = await opened(t)
  const video = await videoIn(ledger, 'RUNNING')
  await ledger.insertTasks([chunk(video, 0), chunk(video, 1)])
  for (const [what, ask] of Object.entries(asks)) {
    await t.test(what, async (t) => {
      for (const sql of await statementsOf(t, ledger, () => ask(ledger, video)))
        assert.deepEqual(walks(database, sql), [], sql)
    })
  }
})

test('the newest videos are not found by sorting all', async (t) => {
  const { ledger, database } = await opened(t)
  const pages = async () => {
    await ledger.videos({ limit: 50 })
    await ledger.videos({ before: { created_at: 5, _id: 'x' as VideoId }, since: 3, limit: 50 })
  }
  for (const sql of await statementsOf(t, ledger, pages))
    assert.doesNotMatch(planOf(database, sql).join('\n'), /TEMP B-TREE/, sql)
})

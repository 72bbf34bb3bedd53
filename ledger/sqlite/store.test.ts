/** Opening, waiting and bounds of the SQLite ledger. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { chunk, classOf, peer, token, videoIn } from '../../protocol/conformance/ledger/world.ts'
import { LedgerUnavailable, UsageError } from '../../protocol/errors.ts'
import { EVENTS_MAX } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { createSqliteLedger } from './sqlite-ledger.ts'

const common = { clock: systemClock, rng: systemRng, log: silentLog }
async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-store-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

test('the file and its folder are made on first use, and opening twice is one opening', async (t) => {
  const path = join(await folder(t), 'deep', 'er', 'ledger.sqlite')
  const ledger = createSqliteLedger({ path, ...common })
  await ledger.open()
  await ledger.open()
  assert.deepEqual(await ledger.videos(), [])
  assert.equal(ledger.description, `SQLite ${path}`)
  await ledger.close()
  await ledger.close()
})

test('in memory it needs no file', async () => {
  const ledger = createSqliteLedger({ path: ':memory:', ...common })
  await ledger.open()
  assert.equal((await videoIn(ledger, 'COMPLETED')).status, 'COMPLETED')
  await ledger.close()
})

test('8 processes may open an absent ledger in the same moment', async (t) => {
  const path = join(await folder(t), 'ledger.sqlite')
  const script = fileURLToPath(new URL('../crowd-worker.fixture.ts', import.meta.url))
  const job = (n: number) =>
    JSON.stringify({
      kind: 'sqlite',
      at: path,
      worker: `w${n}`,
      seed: n,
      claimMs: 100,
      video: '00000000000000ff',
      class: 'x',
    })
  const children = Array.from({ length: 8 }, (_, n) =>
    spawn(process.execPath, [script, job(n)], { stdio: ['ignore', 'ignore', 'inherit'] }),
  )
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number))
  assert.deepEqual(codes, Array(8).fill(0))
})

test('what cannot be a ledger is refused in one sentence that names it', async (t) => {
  const dir = await folder(t)
  const refused = async (path: string, sentence: RegExp) => {
    const ledger = createSqliteLedger({ path, ...common })
    await assert.rejects(
      ledger.open(),
      (error) => error instanceof UsageError && sentence.test(error.message) && error.message.includes(path),
    )
  }
  await writeFile(
    join(dir, 'notes.txt'),
    'these are notes, not a database, and long enough to be read as a header '.repeat(9),
  )
  await refused(join(dir, 'notes.txt'), /not a SQLite database/)
  await mkdir(join(dir, 'folder'))
  await refused(join(dir, 'folder'), /cannot be created or read/)
  await refused(join(dir, 'notes.txt', 'ledger.sqlite'), /cannot be opened/)
  const other = new DatabaseSync(join(dir, 'other.sqlite'))
  other.exec('CREATE TABLE songs (title TEXT)')
  other.close()
  await refused(join(dir, 'other.sqlite'), /not a Reelmesh ledger/)
  for (const [version, says] of [
    [99, /made by a newer Reelmesh \(schema 99.*: use that version, or another data folder$/],
    [4, /made by an older Reelmesh \(schema 4.* delete it, or use another data folder$/],
  ] as const) {
    const path = join(dir, `schema-${version}.sqlite`)
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA user_version=${version}`)
    database.close()
    await refused(path, says)
  }
})

test('a busy ledger is waited for without blocking the event loop, and is unavailable after retryMs', async (t) => {
  const path = join(await folder(t), 'ledger.sqlite')
  const ledger = createSqliteLedger({ path, ...common, retryMs: 1_500 })
  await ledger.open()
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  let longest = 0
  let last = performance.now()
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 5)
  const asked = performance.now()
  await assert.rejects(
    ledger.setPeer(peer('x'), {}),
    (error) => error instanceof LedgerUnavailable && /locked/.test(error.message),
  )
  assert.ok(performance.now() - asked >= 1_500)
  clearInterval(watch)
  assert.ok(longest < 1_000, `the event loop stalled for ${longest} ms`)
  other.exec('ROLLBACK')
  await ledger.setPeer(peer('x'), {})
  other.close()
  await ledger.close()
})

test('a long row of statements gives others their turn, and on a clock that stands still it does not', async () => {
  const turnsOf = async (clock: typeof systemClock): Promise<number> => {
    const ledger = createSqliteLedger({ path: ':memory:', ...common, clock })
    await ledger.open()
    const { _id } = await videoIn(ledger, 'RUNNING')
    let turns = 0
    let isOver = false
    const turn = (): void => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    for (let n = 0; n < 2_000; n++) await ledger.video(_id)
    isOver = true
    const taken = turns
    await ledger.close()
    return taken
  }
  // A ms passes with each look: a statement takes one.
  let now = 0
  const slow = { ...systemClock, mono: () => now++ }
  assert.ok((await turnsOf(slow)) >= 2_000 / 20)
  const virtual = { ...systemClock, mono: () => 0, sleep: () => assert.fail('it waits') }
  assert.equal(await turnsOf(virtual), 0)
})

test('people may ask with sqlite3, by the names of the documents', async (t) => {
  const path = join(await folder(t), 'ledger.sqlite')
  const ledger = createSqliteLedger({ path, ...common })
  await ledger.open()
  const video = await videoIn(ledger, 'RUNNING')
  await ledger.insertTasks([chunk(video, 0), chunk(video, 1)])
  await ledger.claimNext({ worker: peer('Ann'), token: token('t'), classes: [classOf(video._id)], from: 'pending' })
  const database = new DatabaseSync(path)
  const ask = `SELECT chunk_id, claims ->> '$[0].worker_id' AS worker, input ->> 'bytes' AS bytes FROM chunks
    WHERE video_id=? AND resolution='480p' AND status='PROCESSING'`
  assert.deepEqual({ ...database.prepare(ask).all(video._id)[0] }, { chunk_id: 0, worker: peer('Ann'), bytes: 10 })
  database.close()
  await ledger.close()
})

test('events are bounded', async (t) => {
  const path = join(await folder(t), 'ledger.sqlite')
  const ledger = createSqliteLedger({ path, ...common })
  await ledger.open()
  const database = new DatabaseSync(path)
  database.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${EVENTS_MAX.count})
    INSERT INTO events (at, what, peer, video, text) SELECT 0, 'old', NULL, NULL, i FROM n`)
  for (let n = 0; n < 3; n++) await ledger.addEvent({ what: 'new', peer: null, video: null, text: `${n}` })
  assert.equal(database.prepare('SELECT count(*) AS n FROM events').all()[0]?.n, EVENTS_MAX.count)
  assert.deepEqual(
    (await ledger.events(4)).map(({ what }) => what),
    ['old', 'new', 'new', 'new'],
  )
  database.close()
  await ledger.close()
})

/** SIGKILL inside a transition of the SQLite ledger: nothing that was acknowledged is lost, nothing half is seen. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { chunk, classOf, input, videoIn } from '../../protocol/conformance/ledger/world.ts'
import { silentLog } from '../../protocol/log.ts'
import type { CrowdJob, CrowdLine } from '../crowd-worker.fixture.ts'
import { createSqliteLedger } from './sqlite-ledger.ts'

async function ledgerAt(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-kill-'))
  const path = join(dir, 'ledger.sqlite')
  const ledger = createSqliteLedger({ path, clock: systemClock, rng: systemRng, log: silentLog, claimMs: 100 })
  await ledger.open()
  t.after(async () => {
    await ledger.close()
    await rm(dir, { recursive: true, force: true })
  })
  return { path, ledger }
}

test('a process killed repeatedly while it claims and completes has lost nothing that was acknowledged', async (t) => {
  const { path, ledger } = await ledgerAt(t)
  const video = await videoIn(ledger, 'RUNNING')
  for (let round = 0; round < 10; round++) {
    const tasks = Array.from({ length: 200 }, (_, n) => chunk(video, round * 200 + n))
    await ledger.insertTasks(tasks)
    const job: CrowdJob = {
      kind: 'sqlite',
      at: path,
      worker: '12D3KooWkilled',
      seed: round,
      claimMs: 100,
      workMs: 0,
      video: video._id,
      class: classOf(video._id),
    }
    const acknowledged = await killAfter(job, 5 + round * 7)
    for (const { task, attempt } of acknowledged) {
      assert.partialDeepStrictEqual(await ledger.task(task as never), {
        status: 'COMPLETED',
        completed_attempt: attempt,
        claims: [],
      })
    }
  }
  const database = new DatabaseSync(path)
  assert.deepEqual(
    database
      .prepare('PRAGMA integrity_check')
      .all()
      .map((row) => row.integrity_check),
    ['ok'],
  )
  database.close()
  for (const { status, claims } of await ledger.tasks({ video: video._id, kinds: ['video'] })) {
    assert.equal(claims.length > 0, status === 'PROCESSING')
  }
})

/** Runs a crowd worker until it has reported so many commits, kills it at any point, and answers what it reported. */
async function killAfter(job: CrowdJob, commits: number): Promise<CrowdLine[]> {
  const script = fileURLToPath(new URL('../crowd-worker.fixture.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged: CrowdLine[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as CrowdLine
    if (said.say === 'done') acknowledged.push(said)
    if (acknowledged.length === commits) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
  return acknowledged
}

/** A process in the middle of a write transaction: it holds the lock, has written, and has not committed. */
const HALF_WAY = `
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(process.argv[1])
  database.exec("BEGIN IMMEDIATE; UPDATE chunks SET status='COMPLETED', completed_attempt=9")
  process.stdout.write('written')
  setInterval(() => {}, 1000)
`

test('a process killed inside a write leaves nothing of it, and the waiting writer continues at once', async (t) => {
  const { path, ledger } = await ledgerAt(t)
  const video = await videoIn(ledger, 'RUNNING')
  await ledger.insertTasks([chunk(video, 0)])
  const child = spawn(process.execPath, ['-e', HALF_WAY, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const waiting = ledger.recut(chunk(video, 0)._id, chunk(video, 0).input!.sha256, input('new'))
  const early = await Promise.race([waiting, systemClock.sleep(50).then(() => 'waits')])
  assert.equal(early, 'waits')
  assert.partialDeepStrictEqual(await ledger.task(chunk(video, 0)._id), { status: 'PENDING', completed_attempt: null })
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(await waiting, 'changed')
  assert.partialDeepStrictEqual(await ledger.task(chunk(video, 0)._id), {
    status: 'PENDING',
    completed_attempt: null,
    attempt: 0,
  })
})

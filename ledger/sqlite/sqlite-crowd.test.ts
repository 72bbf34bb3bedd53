/** Many processes at one SQLite file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CROWD_TASKS, crowd } from '../crowd.fixture.ts'

test(`8 processes, two of them killed, commit each of ${CROWD_TASKS} tasks exactly once`, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-crowd-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  t.diagnostic(await crowd({ kind: 'sqlite', at: join(dir, 'ledger.sqlite') }, 1))
})

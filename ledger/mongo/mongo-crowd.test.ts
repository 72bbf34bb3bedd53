/** Many processes at one MongoDB. */
import { test } from 'node:test'
import { startMongod } from '../../testing/tools/mongod.ts'
import { CROWD_TASKS, crowd } from '../crowd.fixture.ts'

test(`8 processes, two of them killed, commit each of ${CROWD_TASKS} tasks exactly once`, async (t) => {
  await using mongod = await startMongod()
  t.diagnostic(await crowd({ kind: 'mongo', at: mongod.freshUri() }, 2))
})

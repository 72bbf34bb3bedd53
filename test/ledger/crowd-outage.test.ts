/**
 * Eight processes claim, fail, let expire and complete hundreds of tasks, two of them are killed, and meanwhile the database
 * itself fails. The crowd checks that each task is committed exactly once, by the attempt that was answered so. Longer outages: `*.long.test.ts`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CROWD_TASKS, crowd } from '../../ledger/crowd.fixture.ts'
import { dice } from '../../ledger/crowd-worker.fixture.ts'
import { ReplyEater } from '../../ledger/mongo/reply-eater.fixture.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { CLAIM_MS, threeElections, WORK_MS } from './crowd-outage.ts'

test('three members lose and double nothing when the primary steps down, is killed, and freezes', async (t) => {
  await using mongod = await startMongod({ members: 3 })
  const faults = () => threeElections(mongod)
  t.diagnostic(
    await crowd({ kind: 'mongo', at: mongod.freshUri() }, 12, { faults, claimMs: CLAIM_MS, workMs: WORK_MS }),
  )
})

test('requests cut in the middle and replies eaten lose and double nothing', async (t) => {
  await using mongod = await startMongod({ owned: true })
  const proxy = await ReplyEater.start(mongod.members[0]!.host)
  t.after(() => proxy.stop())
  const faults = async () => proxy.disturb({ eat: 0.04, cut: 0.02, roll: dice(13) })
  t.diagnostic(await crowd({ kind: 'mongo', at: proxy.url('crowd') }, 13, { faults }))
  t.diagnostic(`${proxy.eaten} replies eaten, ${proxy.cut} requests cut`)
  assert.ok(proxy.eaten > CROWD_TASKS / 20 && proxy.cut > CROWD_TASKS / 40, 'too few faults: the test tests nothing')
})

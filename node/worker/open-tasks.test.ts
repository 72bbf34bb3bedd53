import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, freshVideoId, submission } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { asToken, taskId, type VideoId } from '../../protocol/ids.ts'
import { IDLE_POLL_MS } from '../../protocol/limits.ts'
import { FEW, LOOKS_MAX_MS } from '../../protocol/pace.ts'
import { byUrgency } from './control-claims.ts'
import { createOpenTasks } from './open-tasks.ts'

async function stage(count: number) {
  const at = { now: 5 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: 1e9, leaseMs: 1_000 })
  const add = async () => (await ledger.submit(submission({ _id: freshVideoId() }))).video._id
  const ids: VideoId[] = []
  for (let n = 0; n < count; n++) ids.push(await add())
  let [read, asked] = [0, 0]
  const tasks: typeof ledger.tasks = async (query) => {
    const found = await ledger.tasks(query)
    asked++
    read += found.length
    return found
  }
  const grace = { watch: <T>(act: () => Promise<T>) => act() } as never
  const open = createOpenTasks({ ledger: { tasks }, clock: { mono: () => at.now } as never, grace, order: byUrgency })
  /** Videos with an open ingest, and the number of tasks read to know that. */
  const look = async (ms = 1) => {
    at.now += ms
    read = 0
    const found = (await open.of(['ingest'])).filter(({ status }) => status === 'PENDING')
    return { ids: found.map(({ video_id }) => video_id), read }
  }
  const claim = (video: VideoId) =>
    ledger.claimTask({ worker: ANN, token: asToken('x'), task: taskId(video, 'ingest'), from: 'pending' })
  const questions = async (kinds: Parameters<typeof open.of>[0], ms: number) => {
    at.now += ms
    asked = 0
    await open.of(kinds)
    return asked
  }
  return { ids, ledger, add, open, look, claim, questions }
}

test('few open tasks are read once for all slots, and again after each change', async () => {
  const { ids, open, look, claim } = await stage(3)
  assert.deepEqual(await look(), { ids, read: 3 })
  assert.deepEqual(await look(), { ids, read: 0 })
  await claim(ids[0]!)
  open.forget([])
  assert.deepEqual((await look()).ids, ids.slice(1))
})

test('of very many only those that changed are read again, and all of them in time', async () => {
  const { ids, add, open, look, claim } = await stage(10 * FEW)
  assert.deepEqual(await look(), { ids, read: 10 * FEW })
  open.forget([])
  assert.deepEqual(await look(IDLE_POLL_MS), { ids, read: 0 })
  await claim(ids[0]!)
  const more = await add()
  open.forget([ids[0]!, more])
  assert.deepEqual(await look(), { ids: [...ids.slice(1), more], read: 2 })
  await claim(ids[1]!)
  assert.ok((await look()).ids.includes(ids[1]!))
  assert.ok(!(await look(LOOKS_MAX_MS)).ids.includes(ids[1]!))
})

test('those of all kinds are read by one question while they are few, whichever slot asks', async () => {
  const { questions } = await stage(3)
  const found = [
    await questions(['merge'], 1),
    await questions(['ingest', 'merge', 'package'], 1),
    await questions(['merge'], IDLE_POLL_MS),
    await questions(['ingest', 'merge', 'package'], 1),
  ]
  assert.deepEqual(found, [1, 1, 1, 0])
})

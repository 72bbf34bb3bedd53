/** Which writes of a video are synced to the disk before they are answered: what a power cut may take is made again by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import {
  ANN,
  chunk,
  claim,
  own,
  plan,
  submission,
  TERM,
  theTask,
  theVideo,
} from '../../protocol/conformance/ledger/world.ts'
import { taskId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import { createSqliteLedger } from './sqlite-ledger.ts'
import { type Durability, Store } from './store.ts'

test('a submit, its plan, each completion, the end of the video and its delivery are synced, once each; steps that are repeated are not', async (t) => {
  const ledger = createSqliteLedger({ path: ':memory:', clock: systemClock, rng: systemRng, log: silentLog })
  await ledger.open()
  const write = Store.prototype.write
  const syncs: string[] = []
  let step = ''
  t.mock.method(Store.prototype, 'write', function (this: Store, durability: Durability, ...of: [string]) {
    if (durability === 'sure') syncs.push(step)
    return write.call(this, durability, ...of)
  })
  const during = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    step = name
    return await act()
  }
  const given = submission({ delivery: { peer: ANN, dir: '/out', name: 'film' } })
  const { video } = await during('submit', () => ledger.submit(given))
  const finish = async (id: ReturnType<typeof taskId>) => {
    const task = await during('claim', async () => claim(ledger, await theTask(ledger, id), ANN))
    await during('complete', () => ledger.complete({ ...own(task), output: null, outputs: [] }))
  }
  await during('planning', () => ledger.startPlanning(video._id))
  await during('plan', () => ledger.commitPlan(plan(video._id, { chunks: 1 }), video.due))
  await during('cut', async () => ledger.insertTasks([chunk(await theVideo(ledger, video._id), 0)]))
  await finish(taskId(video._id, 'ingest'))
  await finish(taskId(video._id, '480p', 0))
  const results = [{ task: taskId(video._id, '480p', 0), attempt: 1 }]
  await during('audits', () => ledger.markAudits(results, { from: 'undecided', to: 'none', term: TERM }))
  await during('merging', () => ledger.startMerging(video._id, TERM))
  await finish(taskId(video._id, 'merge'))
  await during('completed', () => ledger.completeVideo(video._id, [], TERM))
  await during('delivered', () => ledger.finishDelivery(video._id, { peer: ANN, dir: '/out' }))
  assert.deepEqual(syncs, ['submit', 'plan', 'complete', 'complete', 'complete', 'completed', 'delivered'])
  await ledger.close()
})

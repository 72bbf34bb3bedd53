/** Which videos the duties look at in a round, with few and with many that are open. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, chunk, claim, output, theTask, theVideo, videoIn } from '../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../protocol/conformance/model/ledger-model.ts'
import { createHints } from '../protocol/hints.ts'
import { taskId, type VideoId } from '../protocol/ids.ts'
import { CLAIM_MS, DUTY_MS, LEASE_MS } from '../protocol/limits.ts'
import { FEW, LOOKS_MAX_MS } from '../protocol/pace.ts'
import { createOpenVideos } from './open-videos.ts'

async function stage(count: number) {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const ids: VideoId[] = []
  for (let n = 0; n < count; n++) {
    const { _id } = await videoIn(ledger, 'RUNNING')
    await ledger.insertTasks([chunk(await theVideo(ledger, _id), 0)])
    ids.push(_id)
  }
  const asked: number[] = []
  const watched: typeof ledger = {
    ...ledger,
    videos: async (query) => {
      const found = await ledger.videos(query)
      asked.push(found.length)
      return found
    },
  }
  const hints = createHints()
  const openVideos = createOpenVideos({ ledger: watched, clock: { mono: () => at.now }, hints })
  const reader = openVideos.reader()
  /** The videos of one look, `ms` after the last one. */
  const look = async (ms = DUTY_MS, keep: readonly VideoId[] = [], by = reader) => {
    at.now += ms
    const seen: VideoId[] = []
    await by.look(keep, async ({ videos, counts }) => {
      assert.deepEqual([...counts.keys()].toSorted(), videos.map(({ _id }) => _id).toSorted())
      seen.push(...videos.map(({ _id }) => _id))
    })
    return seen
  }
  const complete = async (video: VideoId) => {
    const task = taskId(video, '480p', 0)
    const { attempt } = await claim(ledger, await theTask(ledger, task), ANN)
    await ledger.complete({ task, attempt, worker: ANN, output: output('done') })
  }
  return { ids, ledger, hints, openVideos, look, complete, asked }
}

test('few open videos are all looked at in every round', async () => {
  const { ids, look } = await stage(FEW)
  for (let round = 0; round < 3; round++) assert.deepEqual(await look(0), ids)
})

test('of many only those are looked at that changed or are kept, and nothing is read where none did', async () => {
  const { ids, hints, look, complete, asked } = await stage(10 * FEW)
  assert.deepEqual(await look(), ids)
  asked.length = 0
  assert.deepEqual(await look(), [])
  assert.deepEqual(asked, [])
  await complete(ids[7]!)
  assert.deepEqual(await look(), [ids[7]])
  hints.publish({ what: 'video', video: ids[3]! })
  hints.publish({ what: 'tasks', video: null })
  assert.ok((await look()).includes(ids[3]!))
  await look(5 * DUTY_MS)
  assert.deepEqual(await look(DUTY_MS, [ids[5]!]), [ids[5]])
  assert.deepEqual(
    asked.filter((count) => count > 2),
    [],
  )
})

test('of many that got no hint all are looked at again in time, by one read for all duties', async () => {
  const { ids, openVideos, look, asked } = await stage(10 * FEW)
  const other = openVideos.reader()
  assert.deepEqual(await look(), ids)
  assert.deepEqual(await look(0, [], other), ids)
  assert.deepEqual(asked, [10 * FEW])
  assert.deepEqual(await look(LOOKS_MAX_MS), ids)
})

test('few are read once for duties that look at the same time, and again after a hint, after a while, and for each look of one duty', async () => {
  const { ids, hints, openVideos, look, asked } = await stage(2)
  const other = openVideos.reader()
  await look()
  assert.deepEqual(await look(DUTY_MS / 4, [], other), ids)
  assert.equal(asked.length, 1)
  await look(0)
  hints.publish({ what: 'tasks', video: null })
  await look(0, [], other)
  assert.equal(asked.length, 3)
  await look(DUTY_MS / 2)
  assert.equal(asked.length, 4)
})

test('a duty takes what another one has read of all, and reads all again only when that is due', async () => {
  const { ids, openVideos, look, asked } = await stage(10 * FEW)
  const other = openVideos.reader()
  await look()
  await look(DUTY_MS, [], other)
  asked.length = 0
  // The interval of so many.
  assert.deepEqual(await look(19 * DUTY_MS), ids)
  assert.deepEqual(await look(DUTY_MS / 2, [], other), ids)
  assert.deepEqual(await look(DUTY_MS, [], other), [])
  assert.equal(asked.length, 1)
})

test('what a failed round should have looked at comes again', async () => {
  const { ids, openVideos, complete, look } = await stage(10 * FEW)
  const reader = openVideos.reader()
  const failing = () => reader.look([], () => Promise.reject(new Error('the ledger is away')))
  await assert.rejects(failing())
  assert.deepEqual(await look(DUTY_MS, [], reader), ids)
  await look(5 * DUTY_MS, [], reader)
  await complete(ids[1]!)
  await look(DUTY_MS)
  await assert.rejects(failing())
  assert.ok((await look(DUTY_MS, [], reader)).includes(ids[1]!))
})

test('after the end of a term hints are ignored', async () => {
  const { ids, hints, openVideos, look } = await stage(10 * FEW)
  await look()
  openVideos.stop()
  hints.publish({ what: 'video', video: ids[3]! })
  assert.deepEqual(await look(), [])
})

/** Two-write events that end after the first write: the sweep repairs each, and changes nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { taskId, type VideoId } from '../../ids.ts'
import type { Ledger } from '../../ledger.ts'
import { INSERT_BATCH } from '../../limits.ts'
import type { TaskStatus } from '../../task.ts'
import { isOpen } from '../../video.ts'
import { type Store, withStore } from './with-store.ts'
import {
  ANN,
  chunk,
  claim,
  everything,
  type LedgerHarness,
  output,
  plan,
  type StoreUnderTest,
  submission,
  TERM,
  Torn,
  theTask,
  theVideo,
  token,
  videoIn,
} from './world.ts'

export function tornSuite(harness: LedgerHarness): void {
  withStore(harness, 'two writes', (store) => {
    tornTests(store)
    cancelAmidInserts(store)
    sweepTests(store)
  })
}

/** Runs an event on a handle that dies before its second write. */
async function tear(store: StoreUnderTest, event: (ledger: Ledger) => Promise<unknown>, writes = 1): Promise<void> {
  await assert.rejects(event(await store.torn(writes)), Torn)
}

async function statuses(ledger: Ledger, video: VideoId): Promise<TaskStatus[]> {
  return (await ledger.tasks({ video, kinds: ['video'] })).map(({ status }) => status)
}

/** A RUNNING video with a COMPLETED, a PROCESSING and a PENDING task. */
async function busyVideo(ledger: Ledger) {
  const video = await videoIn(ledger, 'RUNNING')
  const tasks = [chunk(video, 0), chunk(video, 1), chunk(video, 2)]
  await ledger.insertTasks(tasks)
  for (const { _id } of tasks.slice(0, 2)) await claim(ledger, await theTask(ledger, _id), ANN)
  await ledger.complete({ task: tasks[0]!._id, attempt: 1, worker: ANN, output: output('x') })
  return video
}

function tornTests(store: Store): void {
  test('submit: the ingest task comes with the sweep', async () => {
    const asked = submission({ priority: 4 })
    await tear(store(), (ledger) => ledger.submit(asked))
    const ingest = taskId(asked._id, 'ingest')
    assert.equal(await store().ledger.task(ingest), null)
    assert.ok((await store().ledger.sweep(TERM)).repaired > 0)
    const { created_at } = await theVideo(store().ledger, asked._id)
    assert.partialDeepStrictEqual(await store().ledger.task(ingest), {
      status: 'PENDING',
      priority: 4,
      due: created_at,
    })
  })
  test('merging: the merge task comes with the sweep', async () => {
    const { _id } = await videoIn(store().ledger, 'RUNNING')
    await tear(store(), (ledger) => ledger.startMerging(_id, TERM))
    assert.equal(await store().ledger.task(taskId(_id, 'merge')), null)
    await store().ledger.sweep(TERM)
    assert.equal((await theTask(store().ledger, taskId(_id, 'merge'))).status, 'PENDING')
  })
  test('cancel and fail: nothing is left to encode after the sweep, or after asking again', async () => {
    const { ledger } = store()
    const events = [
      (on: Ledger, id: VideoId) => on.cancel(id),
      (on: Ledger, id: VideoId) => on.failVideo(id, 'no', TERM),
    ]
    for (const event of events) {
      for (const repair of [() => ledger.sweep(TERM), (id: VideoId) => event(ledger, id)]) {
        const { _id } = await busyVideo(ledger)
        await tear(store(), (on) => event(on, _id))
        assert.deepEqual(await statuses(ledger, _id), ['COMPLETED', 'PROCESSING', 'PENDING'])
        await repair(_id)
        assert.deepEqual(await statuses(ledger, _id), ['COMPLETED', 'CANCELLED', 'CANCELLED'])
      }
    }
  })
  test('retry: torn, the video stays ended and its tasks are cancelled again; whole, they are PENDING', async () => {
    const { ledger } = store()
    const { _id } = await busyVideo(ledger)
    await ledger.cancel(_id)
    await tear(store(), (on) => on.retry(_id))
    await ledger.sweep(TERM)
    assert.deepEqual(await statuses(ledger, _id), ['COMPLETED', 'CANCELLED', 'CANCELLED'])
    assert.equal(await ledger.retry(_id), 'changed')
    assert.deepEqual(await statuses(ledger, _id), ['COMPLETED', 'PENDING', 'PENDING'])
    assert.equal((await theTask(ledger, chunk(await theVideo(ledger, _id), 1)._id)).attempt, 1)
  })
  test('priority: the open tasks follow with the sweep', async () => {
    const { ledger } = store()
    const { _id } = await busyVideo(ledger)
    await tear(store(), (on) => on.setPriority(_id, 8))
    await ledger.sweep(TERM)
    assert.deepEqual(
      (await ledger.tasks({ video: _id, kinds: ['video'] })).map(({ priority }) => priority),
      [0, 8, 8],
    )
  })
  test('an order: the open tasks follow with the sweep', async () => {
    const { ledger } = store()
    const { _id } = await busyVideo(ledger)
    await tear(store(), (on) => on.setDue(_id, { due: 9, term: TERM }))
    await ledger.sweep(TERM)
    const tasks = await ledger.tasks({ video: _id, kinds: ['video'], statuses: ['PENDING', 'PROCESSING'] })
    assert.ok(tasks.length > 0 && tasks.every(({ due }) => due === 9))
  })
  test('a plan whose document came but whose compare did not is no plan', async () => {
    const { _id } = await videoIn(store().ledger, 'PLANNING')
    await tear(store(), (ledger) => ledger.commitPlan(plan(_id, { note: 'torn' }), 5))
    assert.equal((await theVideo(store().ledger, _id)).plan, null)
    assert.equal((await store().ledger.commitPlan(plan(_id), 5)).outcome, 'committed')
  })
}

function cancelAmidInserts(store: Store): void {
  test('a cancel in the midst of inserts leaves nothing to encode', async () => {
    const { ledger } = store()
    const video = await videoIn(ledger, 'RUNNING')
    const inserter = await store().second()
    const tasks = Array.from({ length: 3 * INSERT_BATCH }, (_, n) => chunk(video, n))
    await Promise.all([inserter.insertTasks(tasks), ledger.cancel(video._id)])
    const left = await ledger.tasks({ video: video._id, statuses: ['PENDING', 'PROCESSING'] })
    assert.deepEqual(left, [])
  })
  test('an insert that dies right after a batch for a cancelled video is repaired by the sweep', async () => {
    const { ledger } = store()
    const video = await videoIn(ledger, 'RUNNING')
    await ledger.cancel(video._id)
    await tear(store(), (on) => on.insertTasks([chunk(video, 0), chunk(video, 1)]))
    assert.deepEqual(await statuses(ledger, video._id), ['PENDING', 'PENDING'])
    await ledger.sweep(TERM)
    assert.deepEqual(await statuses(ledger, video._id), ['CANCELLED', 'CANCELLED'])
    const got = await ledger.claimNext({
      worker: ANN,
      token: token('t'),
      classes: [chunk(video, 0).class],
      from: 'pending',
    })
    assert.equal(got.outcome, 'none')
  })
}

function sweepTests(store: Store): void {
  test('tasks follow their video’s priority and due, audio and the rest from when it was submitted', async () => {
    const { ledger } = store()
    const { video } = await ledger.submit(submission({ priority: 2 }))
    await ledger.commitPlan(plan(video._id), video.created_at + 500_000)
    const audio = {
      ...chunk(video, 0, { priority: 0, due: 3 }),
      _id: taskId(video._id, 'audio'),
      kind: 'audio',
      resolution: 'audio',
    } as const
    await ledger.insertTasks([chunk(video, 0, { priority: 0, due: 1 }), audio])
    assert.ok((await ledger.sweep(TERM)).repaired >= 2)
    const { created_at, due } = await theVideo(ledger, video._id)
    const tasks = await ledger.tasks({ video: video._id })
    assert.deepEqual(
      tasks.map((task) => [task.kind, task.priority, task.due]),
      [
        ['video', 2, due],
        ['audio', 2, created_at],
        ['ingest', 2, created_at],
      ],
    )
  })
  test('what is still open of a COMPLETED video is cancelled, and opened again with it', async () => {
    const { ledger } = store()
    const video = await videoIn(ledger, 'COMPLETED')
    const late = chunk(video, 0)
    await ledger.insertTasks([late])
    await ledger.sweep(TERM)
    assert.equal((await theTask(ledger, late._id)).status, 'CANCELLED')
    assert.equal(await ledger.reopenVideo(video._id, TERM), 'changed')
    await ledger.sweep(TERM)
    assert.equal((await theTask(ledger, late._id)).status, 'PENDING')
  })
  test('a second sweep finds nothing, whatever there is', async () => {
    const { ledger } = store()
    await ledger.sweep(TERM)
    const was = await everything(ledger)
    assert.deepEqual(await ledger.sweep(TERM), { repaired: 0 })
    assert.deepEqual(await everything(ledger), was)
    for (const video of was.videos) {
      const open = was.tasks.filter(
        (task) => task.video_id === video._id && ['PENDING', 'PROCESSING'].includes(task.status),
      )
      assert.ok(isOpen(video.status) || open.length === 0)
    }
  })
}

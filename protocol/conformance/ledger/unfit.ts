/** Documents are input: whoever can write to the ledger may have written them. What does not fit is left out, and its video fails with a sentence. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ledger } from '../../ledger.ts'
import type { Plan } from '../../plan.ts'
import type { NewTask, Task } from '../../task.ts'
import type { Video } from '../../video.ts'
import { withStore } from './with-store.ts'
import {
  ANN,
  BOB,
  chunk,
  classOf,
  input,
  type LedgerHarness,
  plan,
  submission,
  theVideo,
  token,
  videoIn,
} from './world.ts'

/** Numbers, words and ids that are something else: harmless here, but they would be put into a command as they are. */
const TASKS: Readonly<Record<string, (task: NewTask) => unknown>> = {
  'a time with filters behind it': (task) => ({ input: { ...task.input, end_pts: '250,negate' } }),
  'a time that is no number': (task) => ({ input: { ...task.input, start_pts: null } }),
  'a time with a fraction': (task) => ({ input: { ...task.input, start_pts: 0.5 } }),
  'a time base with filters behind it': (task) => ({ input: { ...task.input, time_base: '1/25,negate' } }),
  'a hash that is a path': (task) => ({ input: { ...task.input, sha256: '../../a' } }),
  'a holder that is a path': (task) => ({ input: { ...task.input, holders: ['../a'] } }),
  'more holders than anyone writes': (task) => ({ input: { ...task.input, holders: Array(1_000).fill(BOB) } }),
  'another time base of its own': () => ({ time_base: '0/0' }),
}

async function insert(ledger: Ledger, video: Video, change: unknown): Promise<NewTask> {
  const task = { ...chunk(video, 0), ...(change as object) }
  await ledger.insertTasks([task])
  return task
}

const ask = (video: Video, n = 0) =>
  ({ worker: ANN, token: token(`unfit ${video._id} ${n}`), classes: [classOf(video._id)], from: 'pending' }) as const

/** Asserts that the video has failed with one sentence that has nothing of the document's content. */
async function assertFailed(ledger: Ledger, video: Video, content = 'negate'): Promise<void> {
  const { status, failure } = await theVideo(ledger, video._id)
  assert.equal(status, 'FAILED')
  assert.match(failure ?? '', /does not fit/)
  assert.ok(!failure?.includes(content) && !failure?.includes('\n'))
}

export function unfitSuite(harness: LedgerHarness): void {
  withStore(harness, 'documents that do not fit', (store) => {
    for (const [what, change] of Object.entries(TASKS)) {
      test(`a task with ${what} is not claimed, and its video fails with a sentence`, async () => {
        const { ledger } = store()
        const video = await videoIn(ledger, 'RUNNING')
        const task = await insert(ledger, video, change(chunk(video, 0)))
        assert.deepEqual(await ledger.claimTask({ ...ask(video), task: task._id, from: 'free' }), { outcome: 'none' })
        await assertFailed(ledger, video)
        assert.equal(await ledger.task(task._id), null)
        assert.deepEqual(await ledger.tasks({ video: video._id, kinds: ['video'] }), [])
      })
    }
    test('one that does not fit hides no other: the next is claimed in the same ask', async () => {
      const { ledger } = store()
      const [bad, good] = [await videoIn(ledger, 'RUNNING'), await videoIn(ledger, 'RUNNING')]
      await insert(ledger, bad, {
        input: { ...input('i'), end_pts: '1;negate' },
        priority: 9,
        class: classOf(good._id),
      })
      await ledger.insertTasks([chunk(good, 1)])
      const got = await ledger.claimNext(ask(good))
      assert.ok(got.outcome === 'claimed' && got.task.video_id === good._id)
      await assertFailed(ledger, bad)
      const seen = (await ledger.tasks({ kinds: ['video'] })).map(({ video_id }) => video_id)
      assert.ok(seen.includes(good._id) && !seen.includes(bad._id))
      assert.equal((await theVideo(ledger, good._id)).status, 'RUNNING')
    })
    test('a retry of its video plans it anew: the same task, well-formed, is then claimed', async () => {
      const { ledger } = store()
      const video = await videoIn(ledger, 'RUNNING')
      const bad = await insert(ledger, video, { input: { ...input('i'), end_pts: '1;negate' } })
      await ledger.insertTasks([chunk(video, 1)])
      await ledger.claimTask({ ...ask(video), task: bad._id, from: 'free' })
      await assertFailed(ledger, video)
      assert.equal(await ledger.retry(video._id), 'changed')
      assert.partialDeepStrictEqual(await theVideo(ledger, video._id), { status: 'QUEUED', plan: null, failure: null })
      const left = await ledger.tasks({ video: video._id })
      assert.deepEqual(
        left.map(({ kind, status }) => [kind, status]),
        [['ingest', 'PENDING']],
      )
      const committed = await ledger.commitPlan(plan(video._id), 0)
      assert.equal(committed.outcome, 'committed')
      assert.deepEqual(await ledger.insertTasks([chunk(video, 0)]), { inserted: 1 })
      const got = await ledger.claimTask({ ...ask(video, 1), task: bad._id, from: 'free' })
      assert.equal(got.outcome, 'claimed')
    })
    test('a list leaves it out, and its video fails, before anyone claims it', async () => {
      const { ledger } = store()
      const video = await videoIn(ledger, 'RUNNING')
      await insert(ledger, video, { input: { ...input('i'), end_pts: '1;negate' } })
      await ledger.insertTasks([chunk(video, 1)])
      const found = await ledger.tasks({ video: video._id, kinds: ['video'], statuses: ['PENDING'] })
      assert.deepEqual(
        found.map(({ chunk_id }) => chunk_id),
        [1],
      )
      await assertFailed(ledger, video)
    })
    test('a task of another video than its id says does not fit', async () => {
      const { ledger } = store()
      const [video, other] = [await videoIn(ledger, 'RUNNING'), await videoIn(ledger, 'RUNNING')]
      const task = await insert(ledger, video, { video_id: other._id })
      assert.equal(await ledger.task(task._id), null)
    })
    test('fields of a newer peer are ignored, and kept', async () => {
      const { ledger } = store()
      const video = await videoIn(ledger, 'RUNNING')
      const task = await insert(ledger, video, { input: { ...input('i'), colour: 'blue' } })
      const read = (await ledger.task(task._id)) as Task
      assert.deepEqual(read.input, { ...input('i'), colour: 'blue' })
    })
    test('a plan counts only if it fits: with a size that is text its video fails', async () => {
      const { ledger } = store()
      const { video } = await ledger.submit(submission())
      const [rendition] = plan(video._id).renditions
      const bad = { ...plan(video._id), renditions: [{ ...rendition, width: '854,negate' }] } as unknown as Plan
      await ledger.commitPlan(bad, 0)
      const committed = (await theVideo(ledger, video._id)).plan
      assert.ok(committed)
      assert.equal(await ledger.plan(video._id, committed.sha256), null)
      await assertFailed(ledger, video)
      assert.equal(await ledger.retry(video._id), 'changed')
      await ledger.commitPlan(plan(video._id), 0)
      const again = await theVideo(ledger, video._id)
      assert.equal(again.status, 'RUNNING')
      assert.deepEqual(await ledger.plan(video._id, again.plan!.sha256), plan(video._id))
    })
    test('a submit replaces a document of its video that does not fit', async () => {
      const { ledger } = store()
      const asked = submission()
      const bad = { ...asked, delivery: { peer: ANN, dir: '/out', name: '../film' } }
      await assert.rejects(ledger.submit(bad), /does not fit/)
      assert.equal(await ledger.video(asked._id), null)
      assert.partialDeepStrictEqual(await ledger.submit(asked), { outcome: 'created', video: { status: 'QUEUED' } })
      assert.deepEqual((await ledger.submit(asked)).outcome, 'joined')
    })
    test('a video with a delivery that leads out of its folder is not listed, and is failed', async () => {
      const { ledger } = store()
      const delivery = { peer: ANN, dir: '/out', name: '../film' }
      const outcome = await ledger.submit(submission({ delivery })).catch((error: unknown) => error)
      assert.match(String(outcome), /does not fit/)
      const fine = await ledger.submit(submission())
      const listed = await ledger.videos()
      assert.ok(listed.some(({ _id }) => _id === fine.video._id))
      assert.ok(listed.every(({ deliveries }) => deliveries.every(({ name }) => name !== '../film')))
    })
  })
}

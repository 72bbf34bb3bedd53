/** Every row of the task table from every status, and the order in which tasks are claimed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ledger } from '../../ledger.ts'
import { HOLDERS_MAX, IDLE_PRIORITY } from '../../limits.ts'
import { TASK_STATUSES, TASK_TRANSITIONS, type Task, type TaskEvent, type TaskStatus } from '../../task.ts'
import { part } from './parts.ts'
import { withStore } from './with-store.ts'
import {
  ANN,
  BOB,
  CLAIM_MS,
  chunk,
  claim,
  everything,
  input,
  type LedgerHarness,
  output,
  peer,
  pendingTask,
  type StoreUnderTest,
  sha,
  TERM,
  taskIn,
  theTask,
  token,
  videoIn,
} from './world.ts'

type Act = (store: StoreUnderTest, task: Task) => Promise<boolean>
const own = (task: Task) => ({ task: task._id, attempt: task.attempt, worker: ANN })
const failed = { code: 'encode_failed', message: 'no', log: null, strike: true, backoff_ms: 0 } as const

/** Each event of the table as a call that answers whether the compare held. Where the table allows it, it does. */
const EVENTS: Readonly<Record<TaskEvent, Act>> = {
  claim: async ({ ledger, advance }, task) => {
    await advance(CLAIM_MS + 1)
    return (
      (await ledger.claimTask({ worker: BOB, token: token('bob'), task: task._id, from: 'free' })).outcome === 'claimed'
    )
  },
  renew: async ({ ledger }, task) => (await ledger.renew(ANN, [own(task)])).lost.length === 0,
  complete: async ({ ledger }, task) => (await ledger.complete({ ...own(task), output: output('o') })) === 'done',
  list_parts: async ({ ledger }, task) =>
    (await ledger.listParts({ ...own(task), parts: [part(1, 'p')], instead: false })) === 'done',
  fail: async ({ ledger }, task) => (await ledger.fail({ ...own(task), ...failed })) === 'done',
  release: async ({ ledger }, task) => (await ledger.release(own(task))) === 'done',
  reclaim: async ({ ledger }, task) => {
    const seen = task.claims[0] ?? { worker_id: ANN, token: token('none'), expires_at: 0 }
    const ended = await ledger.reclaim([{ ...seen, task: task._id, attempt: task.attempt }], {
      term: TERM,
      strike: 'peer_died',
    })
    return ended.length > 0
  },
  want_backup: async ({ ledger }, task) =>
    (await ledger.wantBackup(task._id, { attempt: task.attempt, term: TERM })) === 'changed',
  strikes_full: async ({ ledger }, task) =>
    (await ledger.failTask(task._id, { strikes: task.strikes.length, term: TERM })) === 'changed',
  lost: async ({ ledger }, task) =>
    (await ledger.loseOutput(task._id, { completed_attempt: task.completed_attempt ?? task.attempt, term: TERM })) ===
    'changed',
  mark_audit: async ({ ledger }, task) => {
    const attempt = task.completed_attempt ?? task.attempt
    const change = { from: 'undecided', to: 'chosen', term: TERM } as const
    return (await ledger.markAudits([{ task: task._id, attempt }], change)).marked > 0
  },
  recut: async ({ ledger }, task) => (await ledger.recut(task._id, task.input!.sha256, input('again'))) === 'changed',
  cancel: async ({ ledger }, task) => {
    await ledger.cancel(task.video_id)
    return (await theTask(ledger, task._id)).status !== task.status
  },
  retry: async ({ ledger }, task) => {
    await ledger.retry(task.video_id)
    return (await theTask(ledger, task._id)).status !== task.status
  },
}

export function taskSuite(harness: LedgerHarness): void {
  withStore(harness, 'tasks', (store) => {
    for (const event of Object.keys(EVENTS) as TaskEvent[]) {
      test(`${event} changes a task only from the statuses of the table`, async () => {
        for (const from of TASK_STATUSES) await checkRow(store(), event, from)
      })
    }
    insertTests(() => store().ledger)
    orderTests(() => store().ledger)
    readTests(() => store().ledger)
    auditTests(() => store().ledger)
  })
}

async function checkRow(store: StoreUnderTest, event: TaskEvent, from: TaskStatus): Promise<void> {
  const task = await taskIn(store.ledger, from)
  if (event === 'retry')
    await (from === 'FAILED' ? store.ledger.failVideo(task.video_id, 'x', TERM) : store.ledger.cancel(task.video_id))
  const was = await theTask(store.ledger, task._id)
  const row = TASK_TRANSITIONS.find((one) => one.event === event && one.from === was.status)
  const what = `${event} from ${was.status}`
  const held = await EVENTS[event](store, was)
  // Completing the same attempt again answers `done`: it is the same commit.
  const again = event === 'complete' && was.status === 'COMPLETED'
  assert.equal(held, row !== undefined || again, what)
  const now = await theTask(store.ledger, task._id)
  if (row) return assert.ok(row.to.includes(now.status), `${what} went to ${now.status}`)
  if (event === 'claim') return assert.equal(now.status, was.status, what) // time has passed: dates of this store may have moved
  assert.deepEqual(now, was, what)
}

function insertTests(ledger: () => Ledger): void {
  test('inserting a video’s tasks twice, or a task of another shape under the same id, is harmless', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    const tasks = Array.from({ length: 700 }, (_, n) => chunk(video, n))
    assert.deepEqual(await ledger().insertTasks(tasks.slice(0, 400)), { inserted: 400 })
    await ledger().claimNext({ worker: ANN, token: token('t'), classes: [tasks[0]!.class], from: 'pending' })
    const was = await everything(ledger(), video._id)
    assert.deepEqual(await ledger().insertTasks(tasks.slice(0, 400)), { inserted: 0 })
    assert.deepEqual(await ledger().insertTasks([{ ...tasks[0]!, priority: 9, class: 'other' }]), { inserted: 0 })
    assert.deepEqual(await everything(ledger(), video._id), was)
    assert.deepEqual(await ledger().insertTasks(tasks), { inserted: 300 })
    assert.deepEqual(await ledger().insertTasks([]), { inserted: 0 })
  })
  test('an inserted task has what was given, and the rest empty', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    const given = chunk(video, 7, { start_pts: -(2 ** 40), end_pts: 2 ** 45, priority: 2 })
    await ledger().insertTasks([given])
    const task = await theTask(ledger(), given._id)
    assert.partialDeepStrictEqual(task, {
      ...given,
      status: 'PENDING',
      attempt: 0,
      claims: [],
      strikes: [],
      failures: [],
      outputs: [],
    })
    assert.deepEqual(
      [task.worker_id, task.output, task.completed_attempt, task.speculative, task.backup_wanted],
      [null, null, null, false, false],
    )
    assert.ok(task.not_before <= (await ledger().now()))
  })
}

function auditTests(ledger: () => Ledger): void {
  test('a state of an audit is written once, for the attempt and state that were read, and never by an older term', async () => {
    const done = await taskIn(ledger(), 'COMPLETED')
    const other = await taskIn(ledger(), 'COMPLETED')
    const mark = (attempt: number, change: Parameters<Ledger['markAudits']>[1], ...more: Task[]) =>
      ledger().markAudits([{ task: done._id, attempt }, ...more.map(({ _id }) => ({ task: _id, attempt: 1 }))], change)
    assert.equal(done.audit, 'undecided')
    assert.deepEqual(await mark(2, { from: 'undecided', to: 'none', term: TERM }), { marked: 0 })
    assert.deepEqual(await mark(1, { from: 'chosen', to: 'agreed', term: TERM }), { marked: 0 })
    assert.deepEqual(await mark(1, { from: 'undecided', to: 'chosen', term: TERM }, other), { marked: 2 })
    assert.deepEqual(await mark(1, { from: 'undecided', to: 'none', term: TERM }), { marked: 0 })
    assert.deepEqual(await mark(1, { from: 'chosen', to: 'agreed', term: TERM - 1 }), { marked: 0 })
    const ids = async (audits: Task['audit'][]) => (await ledger().tasks({ video: done.video_id, audits })).length
    assert.deepEqual([await ids(['chosen']), await ids(['chosen', 'agreed']), await ids(['undecided'])], [1, 1, 1])
    assert.equal((await ledger().tasks({ video: done.video_id, audits: ['undecided'] }))[0]?.kind, 'ingest')
    assert.deepEqual(await ledger().markAudits([], { from: 'chosen', to: 'agreed', term: TERM }), { marked: 0 })
    await ledger().loseOutput(done._id, { completed_attempt: 1, term: TERM })
    assert.equal((await theTask(ledger(), done._id)).audit, 'undecided')
  })
  test('a peer named in not_by never claims the task, in whatever way it asks', async () => {
    const task = await pendingTask(ledger(), { not_by: [ANN, peer('Dan')] })
    assert.deepEqual(task.not_by, [ANN, peer('Dan')])
    const next = (worker: Task['not_by'][number], from: 'pending' | 'expired' | 'backup') =>
      ledger().claimNext({ worker, token: token(`n ${worker}`), classes: [task.class], from })
    const given = (worker: Task['not_by'][number], from: 'pending' | 'free' | 'backup') =>
      ledger().claimTask({ worker, token: token(`g ${worker}`), task: task._id, from })
    assert.equal((await next(ANN, 'pending')).outcome, 'none')
    assert.equal((await given(ANN, 'free')).outcome, 'none')
    assert.equal((await next(BOB, 'pending')).outcome, 'claimed')
    await ledger().wantBackup(task._id, { attempt: 1, term: TERM })
    assert.equal((await next(peer('Dan'), 'backup')).outcome, 'none')
    assert.equal((await given(peer('Dan'), 'backup')).outcome, 'none')
  })
  test('a task for idle slots is claimed after all others, keeps its place through the sweep, and can be made urgent', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    const [idle, plain] = [chunk(video, 0, { priority: IDLE_PRIORITY, due: 1 }), chunk(video, 1)]
    await ledger().insertTasks([idle, plain])
    await ledger().setPriority(video._id, -1000)
    await ledger().sweep(TERM)
    assert.equal((await theTask(ledger(), idle._id)).priority, IDLE_PRIORITY)
    const claimed = async (word: string) => {
      const got = await ledger().claimNext({ worker: ANN, token: token(word), classes: [idle.class], from: 'pending' })
      return got.outcome === 'claimed' && got.task._id
    }
    assert.equal(await claimed('first'), plain._id)
    assert.deepEqual(await ledger().urgeIdleTasks(video._id, { priority: 3, term: TERM - 1 }), { urged: 0 })
    assert.deepEqual(await ledger().urgeIdleTasks(video._id, { priority: 3, term: TERM }), { urged: 1 })
    assert.deepEqual(await ledger().urgeIdleTasks(video._id, { priority: 4, term: TERM }), { urged: 0 })
    assert.equal((await theTask(ledger(), idle._id)).priority, 3)
    assert.equal(await claimed('second'), idle._id)
  })
}

function orderTests(ledger: () => Ledger): void {
  test('the best task is claimed: by priority, then due, then rank, then id', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    const order = [
      chunk(video, 5, { priority: 9, due: 50 }),
      chunk(video, 4, { priority: 9, due: 60 }),
      chunk(video, 3, { priority: 1, due: 10, rank: 6 }),
      chunk(video, 2, { priority: 1, due: 10, rank: 7 }),
      chunk(video, 6, { priority: 1, due: 10, rank: 7 }),
      chunk(video, 1, { priority: 1, due: 20 }),
      chunk(video, 0, { priority: -1, due: 1 }),
    ]
    await ledger().insertTasks([2, 0, 5, 3, 6, 1, 4].map((n) => order[n]!))
    const got = []
    for (let n = 0; n < order.length; n++) {
      const claimed = await ledger().claimNext({
        worker: ANN,
        token: token(`t${n}`),
        classes: ['none', order[0]!.class],
        from: 'pending',
      })
      got.push(claimed.outcome === 'claimed' && claimed.task._id)
    }
    assert.deepEqual(
      got,
      order.map(({ _id }) => _id),
    )
    const none = await ledger().claimNext({
      worker: ANN,
      token: token('t'),
      classes: [order[0]!.class],
      from: 'pending',
    })
    assert.deepEqual(none, { outcome: 'none' })
  })
  test('the order holds across several classes, and a class not asked for is not given', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    const small = chunk(video, 0, { due: 30 })
    const large = chunk(video, 0, { resolution: '1080p', due: 20 })
    const other = chunk(video, 0, { resolution: '720p', due: 1 })
    await ledger().insertTasks([small, large, other])
    for (const wanted of [large, small]) {
      const got = await ledger().claimNext({
        worker: ANN,
        token: token('t'),
        classes: [small.class, large.class],
        from: 'pending',
      })
      assert.equal(got.outcome === 'claimed' && got.task._id, wanted._id)
    }
    assert.equal(
      (await ledger().claimNext({ worker: ANN, token: token('t'), classes: [], from: 'pending' })).outcome,
      'none',
    )
  })
}

function readTests(ledger: () => Ledger): void {
  test('tasks are found by video, kind, status and worker, those of one video by rank', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    await ledger().insertTasks([chunk(video, 1), chunk(video, 0), chunk(video, 0, { resolution: '720p' })])
    const got = await ledger().claimNext({
      worker: peer('Dan'),
      token: token('dan'),
      classes: [chunk(video, 0).class],
      from: 'pending',
    })
    const ids = (tasks: Task[]) => tasks.map(({ _id }) => _id.slice(17))
    assert.deepEqual(ids(await ledger().tasks({ video: video._id })), [
      '480p/00000',
      '720p/00000',
      'ingest/00000',
      '480p/00001',
    ])
    assert.deepEqual(ids(await ledger().tasks({ video: video._id, kinds: ['video'], statuses: ['PENDING'] })), [
      '720p/00000',
      '480p/00001',
    ])
    assert.deepEqual(ids(await ledger().tasks({ video: video._id, kinds: ['video', 'ingest'], limit: 1 })), [
      '480p/00000',
    ])
    assert.deepEqual(ids(await ledger().tasks({ worker: peer('Dan') })), ['480p/00000'])
    const { _id: other } = await videoIn(ledger(), 'RUNNING')
    const both = await ledger().tasks({
      videos: [video._id, other],
      kinds: ['ingest'],
      statuses: ['PENDING', 'COMPLETED'],
    })
    assert.deepEqual(new Set(both.map(({ video_id }) => video_id)), new Set([video._id, other]))
    assert.deepEqual(ids(await ledger().tasks({ videos: [video._id], kinds: ['video'], statuses: ['PENDING'] })), [
      '480p/00001',
      '720p/00000',
    ])
    assert.deepEqual(await ledger().tasks({ worker: peer('Dan'), statuses: ['PENDING'] }), [])
    assert.equal(got.outcome === 'claimed' && got.task._id, (await ledger().claimsByToken(token('dan')))[0]?._id)
    assert.deepEqual(await ledger().claimsByToken(token('nobody')), [])
  })
  test('tasks that were claimed before can be read without those that wait for the first time', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    const other = await taskIn(ledger(), 'FAILED')
    const [fresh, tried] = [chunk(video, 0, { resolution: '720p' }), chunk(video, 1)]
    await ledger().insertTasks([fresh, tried])
    const got = await claim(ledger(), await theTask(ledger(), tried._id), ANN)
    const ids = async (query: Parameters<Ledger['tasks']>[0]) =>
      (await ledger().tasks({ ...query, tried: true })).map(({ _id }) => _id)
    assert.deepEqual(await ids({ video: video._id }), [tried._id])
    assert.deepEqual(await ids({ video: video._id, statuses: ['PENDING'] }), [])
    await ledger().fail({ ...own(got), ...failed })
    assert.deepEqual(await ids({ video: video._id, statuses: ['PENDING'] }), [tried._id])
    assert.deepEqual(await ids({ video: video._id, statuses: ['PENDING'], kinds: ['ingest'] }), [])
    assert.deepEqual(await ids({ video: other.video_id, statuses: ['FAILED', 'PENDING'] }), [other._id])
    const all = await ids({ statuses: ['PENDING'] })
    assert.ok(all.includes(tried._id) && !all.includes(fresh._id))
  })
  test('progress counts by kind, resolution and status; unknown videos have none', async () => {
    const video = await videoIn(ledger(), 'RUNNING')
    await ledger().insertTasks([chunk(video, 0), chunk(video, 1), chunk(video, 0, { resolution: '720p' })])
    await ledger().claimNext({ worker: ANN, token: token('p'), classes: [chunk(video, 0).class], from: 'pending' })
    const unknown = chunk({ ...video, _id: 'ffffffffffffffff' as never }, 0).video_id
    const progress = await ledger().progress([video._id, unknown])
    const rows = progress
      .get(video._id)!
      .map(({ kind, resolution, status, count }) => `${kind} ${resolution} ${status} ${count}`)
      .sort()
    assert.deepEqual(rows, [
      'ingest ingest PENDING 1',
      'video 480p PENDING 1',
      'video 480p PROCESSING 1',
      'video 720p PENDING 1',
    ])
    assert.deepEqual(progress.get(unknown) ?? [], [])
  })
  test('classes are listed while something of them may be claimed', async () => {
    const task = await pendingTask(ledger())
    assert.ok((await ledger().pendingClasses()).includes(task.class))
    await ledger().claimNext({ worker: ANN, token: token('c'), classes: [task.class], from: 'pending' })
    assert.ok(!(await ledger().pendingClasses()).includes(task.class))
    await ledger().wantBackup(task._id, { attempt: 1, term: TERM })
    assert.ok((await ledger().pendingClasses()).includes(task.class))
  })
  test('holders of a task’s input and outputs are the newest few, each once', async () => {
    const { _id } = await taskIn(ledger(), 'COMPLETED')
    assert.equal(await ledger().addTaskHolder(_id, sha('chunk 0'), ANN), 'unchanged')
    for (let n = 0; n < HOLDERS_MAX; n++)
      assert.equal(await ledger().addTaskHolder(_id, sha('chunk 0'), peer(`p${n}`)), 'changed')
    assert.equal(await ledger().addTaskHolder(_id, sha('done'), ANN), 'changed')
    const task = await theTask(ledger(), _id)
    assert.deepEqual(
      task.input?.holders,
      Array.from({ length: HOLDERS_MAX }, (_, n) => peer(`p${n}`)),
    )
    assert.deepEqual(task.output?.holders, [BOB, ANN])
  })
}

/** Claims from both sides of each compare: expiry, fences, backups, strikes, reclaims. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ledger } from '../../ledger.ts'
import { FAILURE_MESSAGE_BYTES, FAILURES_MAX } from '../../limits.ts'
import type { Task } from '../../task.ts'
import { type Store, withStore } from './with-store.ts'
import {
  ANN,
  BOB,
  CAT,
  CLAIM_MS,
  claim,
  claimedTask,
  doublyClaimedTask,
  failure,
  type LedgerHarness,
  output,
  own,
  pendingTask,
  sha,
  TERM,
  theTask,
  token,
} from './world.ts'

const next = (ledger: Ledger, task: Task, from: 'pending' | 'expired' | 'backup', worker = BOB) =>
  ledger.claimNext({ worker, token: token(`next of ${worker}`), classes: [task.class], from })

export function claimSuite(harness: LedgerHarness): void {
  withStore(harness, 'claims', (store) => {
    expiryTests(store)
    presenceTests(store)
    fenceTests(store)
    backupTests(store)
    failureTests(store)
  })
}

function expiryTests(store: Store): void {
  test('a claim says who, which attempt and until when', async () => {
    const { ledger } = store()
    const task = await pendingTask(ledger)
    const got = await ledger.claimNext({ worker: ANN, token: token('mine'), classes: [task.class], from: 'pending' })
    assert.ok(got.outcome === 'claimed')
    assert.equal(got.attempt, 1)
    assert.deepEqual(got.task, await theTask(ledger, task._id))
    assert.partialDeepStrictEqual(got.task, {
      ...task,
      status: 'PROCESSING',
      worker_id: ANN,
      attempt: 1,
      claimable_at: got.task.claims[0]!.expires_at,
      claims: [{ attempt: 1, worker_id: ANN, token: 'mine', speculative: false }],
      start_time: got.task.start_time,
    })
    assert.ok(Math.abs(got.task.claimable_at - CLAIM_MS - (await ledger.now())) < 60_000)
  })
  test('a task is not claimed before its not_before, and is from then on', async () => {
    const { ledger, advance } = store()
    const task = await claimedTask(ledger)
    await ledger.fail({ ...own(task), ...failure, backoff_ms: 500_000 })
    assert.equal((await next(ledger, task, 'pending')).outcome, 'none')
    assert.equal(
      (await ledger.claimTask({ worker: BOB, token: token('b'), task: task._id, from: 'free' })).outcome,
      'none',
    )
    await advance(500_001)
    assert.equal((await next(ledger, task, 'pending')).outcome, 'claimed')
  })
  test('tasks of excepted videos are passed over, whatever their state', async () => {
    const { ledger, advance } = store()
    const [task, other] = [await pendingTask(ledger), await pendingTask(ledger)]
    const ask = { worker: BOB, token: token('b'), classes: [task.class, other.class] } as const
    const both = [task.video_id, other.video_id]
    assert.equal((await ledger.claimNext({ ...ask, except: both, from: 'pending' })).outcome, 'none')
    const got = await ledger.claimNext({ ...ask, except: [task.video_id], from: 'pending' })
    assert.equal(got.outcome === 'claimed' && got.task._id, other._id)
    await advance(2 * CLAIM_MS)
    assert.equal((await ledger.claimNext({ ...ask, except: both, from: 'expired' })).outcome, 'none')
    assert.equal((await ledger.claimNext({ ...ask, except: [], from: 'expired' })).outcome, 'claimed')
  })
  test('a worker may ask for tasks at which it has no strike', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    await ledger.fail({ ...own(task), ...failure })
    const ask = { classes: [task.class], from: 'pending', unstruck: true } as const
    assert.equal((await ledger.claimNext({ ...ask, worker: ANN, token: token('a') })).outcome, 'none')
    assert.equal((await ledger.claimNext({ ...ask, worker: BOB, token: token('b') })).outcome, 'claimed')
  })
  test('a running task is claimed only when all its claims have run out, and then the old attempt is superseded', async () => {
    const { ledger, advance } = store()
    const task = await claimedTask(ledger)
    assert.equal((await next(ledger, task, 'expired')).outcome, 'none')
    await advance(CLAIM_MS * 0.9)
    assert.equal((await next(ledger, task, 'expired')).outcome, 'none')
    await advance(CLAIM_MS * 0.2)
    assert.equal(
      (await ledger.claimTask({ worker: BOB, token: token('b'), task: task._id, from: 'pending' })).outcome,
      'none',
    )
    const got = await next(ledger, task, 'expired')
    assert.ok(got.outcome === 'claimed')
    assert.deepEqual([got.attempt, got.task.claims.length, got.task.worker_id], [2, 1, BOB])
    assert.equal(await ledger.complete({ ...own(task), output: output('late') }), 'superseded')
    assert.equal(await ledger.complete({ ...own(got.task, BOB), output: output('in time') }), 'done')
    assert.equal(await ledger.complete({ ...own(task), output: output('late') }), 'superseded')
    assert.deepEqual((await theTask(ledger, task._id)).output, output('in time'))
  })
  test('while one of two claims has not expired the task is not claimed', async () => {
    const { ledger, advance } = store()
    const task = await doublyClaimedTask(ledger)
    await advance(CLAIM_MS * 0.8)
    assert.deepEqual(await ledger.renew(BOB, [{ task: task._id, attempt: 2 }]), { lost: [] })
    await advance(CLAIM_MS * 0.8)
    assert.equal((await next(ledger, task, 'expired', CAT)).outcome, 'none')
    await advance(CLAIM_MS * 0.3)
    assert.equal((await next(ledger, task, 'expired', CAT)).outcome, 'claimed')
  })
  test('an expired claim whose task no worker has claimed can be renewed: that compare is independent of clocks', async () => {
    const { ledger, advance } = store()
    const task = await claimedTask(ledger)
    await advance(CLAIM_MS * 1.5)
    assert.deepEqual(await ledger.renew(ANN, [own(task)]), { lost: [] })
    assert.equal((await next(ledger, task, 'expired')).outcome, 'none')
    await advance(CLAIM_MS * 0.9)
    assert.equal((await next(ledger, task, 'expired')).outcome, 'none')
  })
  test('expired tasks are taken in the order of claims', async () => {
    const { ledger, advance } = store()
    const [low, high] = [
      await pendingTask(ledger, { priority: 0, class: 'shared-expired' }),
      await pendingTask(ledger, { priority: 5, class: 'shared-expired' }),
    ]
    for (const task of [low, high]) await claim(ledger, task, ANN)
    await advance(CLAIM_MS + 1)
    const got = await next(ledger, low, 'expired')
    assert.equal(got.outcome === 'claimed' && got.task._id, high._id)
  })
}

function presenceTests(store: Store): void {
  test('a task whose input no present peer holds is not claimed, whatever its state', async () => {
    const { ledger, advance } = store()
    const held = await pendingTask(ledger)
    const [lost, other] = [await pendingTask(ledger, { rank: 0 }), await pendingTask(ledger, { rank: 1 })]
    await ledger.addTaskHolder(other._id, other.input!.sha256, CAT)
    const ask = (present: readonly (typeof ANN)[], from: 'pending' | 'expired' | 'backup', worker = BOB) =>
      ledger.claimNext({
        worker,
        token: token(`${from} of ${worker}`),
        classes: [lost.class, other.class],
        present,
        from,
      })
    const askFor = (from: 'pending' | 'free' | 'backup', present: readonly (typeof ANN)[]) =>
      ledger.claimTask({ worker: BOB, token: token(from), task: held._id, present, from })
    assert.equal((await ask([BOB], 'pending')).outcome, 'none')
    assert.equal((await ask([], 'pending')).outcome, 'none')
    const got = await ask([BOB, CAT], 'pending')
    assert.equal(got.outcome === 'claimed' && got.task._id, other._id)
    assert.equal((await ask([BOB, CAT], 'pending')).outcome, 'none')
    assert.equal((await askFor('pending', [BOB, CAT])).outcome, 'none')
    assert.equal((await askFor('free', [BOB])).outcome, 'none')
    assert.equal((await askFor('free', [BOB, ANN])).outcome, 'claimed')
    await ledger.wantBackup(other._id, { attempt: 1, term: TERM })
    assert.equal((await ask([BOB], 'backup', ANN)).outcome, 'none')
    assert.equal((await ask([CAT], 'backup', ANN)).outcome, 'claimed')
    await advance(2 * CLAIM_MS)
    assert.equal((await ask([BOB], 'expired')).outcome, 'none')
    assert.equal((await ask([CAT], 'expired')).outcome, 'claimed')
  })
  test('a task without an input is claimed whoever is present', async () => {
    const { ledger } = store()
    const task = await pendingTask(ledger, { input: null })
    const ask = { worker: BOB, token: token('b'), classes: [task.class], present: [BOB], from: 'pending' } as const
    assert.equal((await ledger.claimNext(ask)).outcome, 'claimed')
  })
  test('a holder that lacks the input of an open task is removed once, and tasks that nobody present holds are found', async () => {
    const { ledger } = store()
    const { _id, video_id: video, input } = await pendingTask(ledger)
    const lacking = async (...peers: readonly (typeof ANN)[]) =>
      (await ledger.tasks({ video, statuses: ['PENDING'], heldByNoneOf: peers })).map((task) => task._id)
    await ledger.addTaskHolder(_id, input!.sha256, CAT)
    assert.deepEqual([await lacking(BOB), await lacking(BOB, CAT), await lacking()], [[_id], [], [_id]])
    assert.equal(await ledger.removeInputHolder(_id, sha('another'), CAT), 'unchanged')
    assert.equal(await ledger.removeInputHolder(_id, input!.sha256, BOB), 'unchanged')
    assert.equal(await ledger.removeInputHolder(_id, input!.sha256, CAT), 'changed')
    assert.equal(await ledger.removeInputHolder(_id, input!.sha256, CAT), 'unchanged')
    assert.deepEqual((await theTask(ledger, _id)).input, { ...input!, holders: [ANN] })
    assert.equal(await ledger.removeInputHolder(_id, input!.sha256, ANN), 'changed')
    assert.deepEqual([(await theTask(ledger, _id)).input?.holders, await lacking(ANN)], [[], [_id]])
    const done = await claimedTask(ledger)
    await ledger.complete({ ...own(done), output: output('done') })
    assert.equal(await ledger.removeInputHolder(done._id, done.input!.sha256, ANN), 'unchanged')
  })
}

function fenceTests(store: Store): void {
  test('only the own worker of a live attempt renews, completes, fails or releases', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    const strangers = [
      { ...own(task), worker: BOB },
      { ...own(task), attempt: 2 },
      { ...own(task), attempt: 0 },
    ]
    for (const other of strangers) {
      assert.deepEqual(await ledger.renew(other.worker, [other]), { lost: [other] })
      assert.equal(await ledger.complete({ ...other, output: output('x') }), 'superseded')
      assert.equal(await ledger.fail({ ...other, ...failure }), 'superseded')
      assert.equal(await ledger.release(other), 'superseded')
    }
    assert.deepEqual(await theTask(ledger, task._id), task)
  })
  test('renewing many says exactly which are lost', async () => {
    const { ledger } = store()
    const [held, lost, done] = [await claimedTask(ledger), await claimedTask(ledger), await claimedTask(ledger)]
    await ledger.release(own(lost))
    await ledger.complete({ ...own(done), output: null })
    const attempts = [held, lost, done].map(({ _id, attempt }) => ({ task: _id, attempt }))
    assert.deepEqual(await ledger.renew(ANN, attempts), { lost: attempts.slice(1) })
    assert.deepEqual(await ledger.renew(ANN, []), { lost: [] })
  })
  test('a completed task has its whole record, and completing it again answers the same', async () => {
    const { ledger, advance } = store()
    const task = await claimedTask(ledger)
    await advance(7_000)
    const done = { ...own(task), output: output('good'), output_path: '480p/00000.mp4' }
    assert.equal(await ledger.complete(done), 'done')
    assert.equal(await ledger.complete(done), 'done')
    const now = await theTask(ledger, task._id)
    assert.partialDeepStrictEqual(now, {
      status: 'COMPLETED',
      worker_id: ANN,
      completed_attempt: 1,
      output: output('good'),
      output_path: '480p/00000.mp4',
      claims: [],
      speculative: false,
    })
    assert.ok(now.duration_ms! >= 7_000 && now.duration_ms! < 60_000, `${now.duration_ms}`)
    assert.equal(await ledger.release(own(task)), 'superseded')
  })
}

function backupTests(store: Store): void {
  test('a backup attempt is for another worker, once wanted, once', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    assert.equal((await next(ledger, task, 'backup')).outcome, 'none')
    assert.equal(await ledger.wantBackup(task._id, { attempt: 2, term: TERM }), 'unchanged')
    assert.equal(await ledger.wantBackup(task._id, { attempt: 1, term: TERM }), 'changed')
    assert.equal((await next(ledger, task, 'backup', ANN)).outcome, 'none')
    const got = await next(ledger, task, 'backup', BOB)
    assert.ok(got.outcome === 'claimed')
    assert.deepEqual(
      got.task.claims.map(({ attempt, worker_id, speculative }) => [attempt, worker_id, speculative]),
      [
        [1, ANN, false],
        [2, BOB, true],
      ],
    )
    assert.equal((await next(ledger, task, 'backup', CAT)).outcome, 'none')
    assert.equal(await ledger.wantBackup(task._id, { attempt: 2, term: TERM }), 'unchanged')
  })
  test('after a backup has ended, another is wanted by the newest attempt, not by the running one', async () => {
    const { ledger } = store()
    const task = await doublyClaimedTask(ledger)
    assert.equal(await ledger.release(own(task, BOB)), 'done')
    assert.equal(await ledger.wantBackup(task._id, { attempt: 1, term: TERM }), 'unchanged')
    assert.equal(await ledger.wantBackup(task._id, { attempt: 2, term: TERM }), 'changed')
    assert.equal((await next(ledger, task, 'backup', CAT)).outcome, 'claimed')
  })
  test('this very task is claimed as a backup where one is wanted, and only then', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    const ask = (worker = BOB) =>
      ledger.claimTask({ worker, token: token(`backup of ${worker}`), task: task._id, from: 'backup' })
    assert.equal((await ask()).outcome, 'none')
    await ledger.wantBackup(task._id, { attempt: 1, term: TERM })
    assert.equal((await ask(ANN)).outcome, 'none')
    const got = await ask()
    assert.ok(got.outcome === 'claimed')
    assert.partialDeepStrictEqual(got.task, { attempt: 2, status: 'PROCESSING', worker_id: BOB, backup_wanted: false })
    assert.deepEqual(
      got.task.claims.map(({ speculative }) => speculative),
      [false, true],
    )
    assert.equal((await ask(CAT)).outcome, 'none')
    const pending = await pendingTask(ledger)
    const asked = { worker: BOB, token: token('p'), task: pending._id, from: 'backup' } as const
    assert.equal((await ledger.claimTask(asked)).outcome, 'none')
  })
  test('of two attempts the first to complete wins and the other is superseded', async () => {
    for (const [winner, loser] of [
      [ANN, BOB],
      [BOB, ANN],
    ] as const) {
      const { ledger } = store()
      const task = await doublyClaimedTask(ledger)
      const attempt = (worker: string) => ({ task: task._id, attempt: worker === ANN ? 1 : 2 })
      assert.equal(await ledger.complete({ ...attempt(winner), worker: winner, output: output(winner) }), 'done')
      assert.equal(await ledger.complete({ ...attempt(loser), worker: loser, output: output(loser) }), 'superseded')
      assert.equal(await ledger.fail({ ...attempt(loser), worker: loser, ...failure }), 'superseded')
      const now = await theTask(ledger, task._id)
      assert.deepEqual([now.worker_id, now.output, now.speculative], [winner, output(winner), winner === BOB])
    }
  })
}

function failureTests(store: Store): void {
  test('a failure is recorded and counted; a release leaves no trace but the number', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    await ledger.release(own(task))
    const released = await theTask(ledger, task._id)
    assert.deepEqual(
      [
        released.status,
        released.attempt,
        released.strikes,
        released.failures,
        released.not_before <= (await ledger.now()),
      ],
      ['PENDING', 1, [], [], true],
    )
    const second = await claim(ledger, task, BOB)
    await ledger.fail({ ...own(second, BOB), ...failure })
    await ledger.fail({ ...own(await claim(ledger, task, ANN)), ...failure, code: 'disk_full', strike: false })
    const now = await theTask(ledger, task._id)
    assert.deepEqual(now.strikes, [{ code: 'encode_failed', worker_id: BOB }])
    assert.deepEqual(
      now.failures.map(({ attempt, worker_id, code, message, log }) => [attempt, worker_id, code, message, log]),
      [
        [2, BOB, 'encode_failed', 'ffmpeg said no', sha('log')],
        [3, ANN, 'disk_full', 'ffmpeg said no', sha('log')],
      ],
    )
  })
  test('a failed or released attempt leaves the other one running', async () => {
    const { ledger } = store()
    const [one, two] = [await doublyClaimedTask(ledger), await doublyClaimedTask(ledger)]
    await ledger.fail({ ...own(one), attempt: 1, ...failure })
    await ledger.release({ ...own(two, BOB), attempt: 2 })
    for (const [id, left] of [
      [one._id, 2],
      [two._id, 1],
    ] as const) {
      const now = await theTask(ledger, id)
      assert.deepEqual(
        [now.status, now.claims.map(({ attempt }) => attempt), now.backup_wanted],
        ['PROCESSING', [left], false],
      )
    }
  })
  test('a task whose claims ran out or were released 20 times each is not FAILED', async () => {
    const { ledger, advance } = store()
    const task = await pendingTask(ledger)
    for (let n = 0; n < 20; n++) await ledger.release(own(await claim(ledger, task, ANN)))
    for (let n = 0; n < 20; n++) {
      await claim(ledger, task, BOB)
      await advance(CLAIM_MS + 1)
    }
    const last = await claim(ledger, task, CAT)
    assert.equal(last.attempt, 41)
    assert.equal(await ledger.complete({ ...own(last, CAT), output: output('at last') }), 'done')
  })
  test('the newest failures are kept, with the end of long messages', async () => {
    const { ledger } = store()
    const task = await pendingTask(ledger)
    const long = `${'é'.repeat(FAILURE_MESSAGE_BYTES)}the end`
    for (let n = 0; n < FAILURES_MAX + 2; n++)
      await ledger.fail({ ...own(await claim(ledger, task, ANN)), ...failure, message: long })
    const now = await theTask(ledger, task._id)
    assert.deepEqual(
      now.failures.map(({ attempt }) => attempt),
      Array.from({ length: FAILURES_MAX }, (_, n) => n + 3),
    )
    assert.equal(now.strikes.length, FAILURES_MAX + 2)
    const held = now.failures[0]!.message
    assert.ok(held.endsWith('éthe end') && Buffer.byteLength(held) <= FAILURE_MESSAGE_BYTES && !held.includes('\ufffd'))
  })
}

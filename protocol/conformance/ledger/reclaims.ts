/** What a leader, or a restarted worker, does to claims and outcomes, from both sides of each compare. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Store, withStore } from './with-store.ts'
import {
  ANN,
  BOB,
  claim,
  claimedTask,
  doublyClaimedTask,
  input,
  type LedgerHarness,
  output,
  own,
  pendingTask,
  seenClaims,
  sha,
  TERM,
  taskIn,
  theTask,
  token,
} from './world.ts'

export function reclaimSuite(harness: LedgerHarness): void {
  withStore(harness, 'reclaims and failures', (store) => {
    reclaimTests(store)
    leaderTests(store)
  })
}

function reclaimTests(store: Store): void {
  test('a reclaim ends exactly the claims that were seen: none renewed, none of another token', async () => {
    const { ledger, advance } = store()
    const tasks = [await claimedTask(ledger), await claimedTask(ledger), await claimedTask(ledger)]
    const seen = (await ledger.claimsOf(ANN)).filter(({ task }) => tasks.some(({ _id }) => _id === task))
    assert.deepEqual(seen, tasks.flatMap(seenClaims))
    await advance(1_000)
    const now = (await ledger.claimsOf(ANN)).filter(({ task }) => tasks.some(({ _id }) => _id === task))
    await ledger.renew(ANN, [own(tasks[0]!)])
    const asked = now.map((one, n) => (n === 1 ? { ...one, token: token('another') } : one))
    assert.deepEqual(await ledger.reclaim(asked, { term: TERM, strike: 'peer_died' }), [tasks[2]!._id])
    const ended = await theTask(ledger, tasks[2]!._id)
    assert.deepEqual(
      [ended.status, ended.claims, ended.strikes, ended.coordinator_term],
      ['PENDING', [], [{ code: 'peer_died', worker_id: ANN, attempt: 1 }], TERM],
    )
    assert.ok(ended.claimable_at <= (await ledger.now()))
    for (const untouched of tasks.slice(0, 2))
      assert.partialDeepStrictEqual(await theTask(ledger, untouched._id), {
        status: 'PROCESSING',
        strikes: [],
        attempt: 1,
      })
    assert.equal(await ledger.complete({ ...own(tasks[2]!), output: null }), 'superseded')
  })
  test('a reclaim without a strike adds none, and leaves another worker’s claim alone', async () => {
    const { ledger } = store()
    const task = await doublyClaimedTask(ledger)
    assert.deepEqual(await ledger.reclaim(seenClaims(task).slice(0, 1), { term: TERM, strike: null }), [task._id])
    const now = await theTask(ledger, task._id)
    assert.deepEqual([now.status, now.claims.map(({ worker_id }) => worker_id), now.strikes], ['PROCESSING', [BOB], []])
  })
  test('a restarted worker releases the claims of its earlier process, whatever the term, without a strike', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    await ledger.wantBackup(task._id, { attempt: 1, term: 50 })
    assert.deepEqual(await ledger.releaseClaims([{ ...seenClaims(task)[0]!, expires_at: 1 }]), [])
    assert.deepEqual(await ledger.releaseClaims(seenClaims(await theTask(ledger, task._id))), [task._id])
    assert.partialDeepStrictEqual(await theTask(ledger, task._id), {
      status: 'PENDING',
      strikes: [],
      coordinator_term: 50,
      backup_wanted: false,
    })
    assert.deepEqual(await ledger.releaseClaims([]), [])
  })
}

function leaderTests(store: Store): void {
  test('a task is FAILED only with the strikes that were counted', async () => {
    const { ledger } = store()
    const task = await claimedTask(ledger)
    await ledger.fail({ ...own(task), code: 'encode_failed', message: 'no', log: null, strike: true, backoff_ms: 0 })
    for (const strikes of [0, 2]) assert.equal(await ledger.failTask(task._id, { strikes, term: TERM }), 'unchanged')
    assert.equal(await ledger.failTask(task._id, { strikes: 1, term: TERM }), 'changed')
  })
  test('a lost output makes the task PENDING once, for the attempt that was read', async () => {
    const { ledger } = store()
    const task = await taskIn(ledger, 'COMPLETED')
    assert.equal(await ledger.loseOutput(task._id, { completed_attempt: 2, term: TERM }), 'unchanged')
    assert.equal(await ledger.loseOutput(task._id, { completed_attempt: 1, term: TERM }), 'changed')
    const lost = await theTask(ledger, task._id)
    const { output: none, completed_attempt, end_time, duration_ms, attempt } = lost
    assert.deepEqual([none, completed_attempt, end_time, duration_ms, attempt], [null, null, null, null, 1])
    const again = await claim(ledger, lost, BOB)
    await ledger.complete({ ...own(again, BOB), output: output('second') })
    assert.equal(await ledger.loseOutput(task._id, { completed_attempt: 1, term: TERM }), 'unchanged')
  })
  test('an input is cut again only while it is the lost one', async () => {
    const { ledger } = store()
    const task = await pendingTask(ledger)
    assert.equal(await ledger.recut(task._id, sha('another'), input('new')), 'unchanged')
    assert.equal(await ledger.recut(task._id, task.input!.sha256, input('new')), 'changed')
    assert.deepEqual((await theTask(ledger, task._id)).input, input('new'))
  })
}

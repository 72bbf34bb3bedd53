/** What the ledger says of tasks that were completed: by whom, and since when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Store, withStore } from './with-store.ts'
import { ANN, BOB, claim, claimedTask, failure, type LedgerHarness, output, own } from './world.ts'

export function outcomeSuite(harness: LedgerHarness): void {
  withStore(harness, 'outcomes', (store) => {
    outcomeTests(store)
    completedTests(store)
  })
}

function outcomeTests(store: Store): void {
  test('outcomes say who completed what, newest first, and who had failed at it', async () => {
    const { ledger } = store()
    const tasks = [await claimedTask(ledger), await claimedTask(ledger), await claimedTask(ledger)]
    await ledger.fail({ ...own(tasks[0]!), ...failure })
    const again = await claim(ledger, tasks[0]!, BOB)
    await ledger.complete({ ...own(tasks[1]!), output: output('one') })
    await ledger.complete({ ...own(again, BOB), output: output('nought') })
    const [newest, before] = await ledger.outcomes(2)
    const ids = [newest?._id, before?._id].sort()
    assert.deepEqual(ids, [tasks[0]!._id, tasks[1]!._id].sort())
    const corrected = [newest, before].find((one) => one?._id === tasks[0]!._id)
    assert.partialDeepStrictEqual(corrected, { kind: 'video', worker_id: BOB, failures: [{ worker_id: ANN }] })
    assert.equal(typeof corrected?.end_time, 'number')
    assert.ok(newest!.end_time! >= before!.end_time!)
    await ledger.complete({ ...own(tasks[2]!), output: output('two') })
    assert.equal((await ledger.outcomes(1)).length, 1)
    assert.deepEqual(await ledger.outcomes(0), [])
  })
}

function completedTests(store: Store): void {
  test('videos whose tasks were completed since a time are answered, and no others', async () => {
    const { ledger, advance } = store()
    const [before, after, open] = [await claimedTask(ledger), await claimedTask(ledger), await claimedTask(ledger)]
    await ledger.complete({ ...own(before), output: output('one') })
    await advance(5)
    const since = (await ledger.task(before._id))!.end_time! + 1
    await ledger.complete({ ...own(after), output: output('two') })
    const found = await ledger.completedSince(since)
    assert.ok(found.includes(after.video_id) && !found.includes(open.video_id))
    assert.ok(!found.includes(before.video_id))
    assert.ok((await ledger.completedSince(since - 1)).includes(before.video_id))
    assert.deepEqual(await ledger.completedSince(Date.now() + 1e10), [])
  })
}

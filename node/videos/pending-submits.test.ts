import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PENDING_SUBMIT_MS } from '../../protocol/limits.ts'
import { createPendingSubmits } from './pending-submits.ts'

test('a submit is pending until the ledger has it, and for a while where no answer came', () => {
  let now = 0
  const pendingSubmits = createPendingSubmits({ mono: () => now })
  pendingSubmits.begin('known')
  pendingSubmits.begin('unanswered')
  now = 10 * PENDING_SUBMIT_MS
  assert.deepEqual(
    [pendingSubmits.has('known'), pendingSubmits.has('unanswered'), pendingSubmits.has('other')],
    [true, true, false],
  )
  pendingSubmits.confirmed('known')
  pendingSubmits.unanswered('unanswered')
  assert.deepEqual([pendingSubmits.has('known'), pendingSubmits.has('unanswered')], [false, true])
  now += PENDING_SUBMIT_MS - 1
  assert.ok(pendingSubmits.has('unanswered'))
  now += 1
  assert.ok(!pendingSubmits.has('unanswered'))
  pendingSubmits.begin('unanswered')
  assert.ok(pendingSubmits.has('unanswered'))
})

test('a video that was read from the ledger is no longer pending; a running submit stays pending', () => {
  const pendingSubmits = createPendingSubmits({ mono: () => 0 })
  pendingSubmits.unanswered('seen')
  pendingSubmits.begin('running')
  for (const video of ['seen', 'running']) pendingSubmits.seen(video)
  assert.deepEqual([pendingSubmits.has('seen'), pendingSubmits.has('running')], [false, true])
})

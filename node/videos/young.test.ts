import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PENDING_SUBMIT_MS } from '../../protocol/limits.ts'
import { createYoung } from './young.ts'

test('a video is young until the ledger has it, and for a while where nobody knows', () => {
  let now = 0
  const young = createYoung({ mono: () => now })
  young.begin('known')
  young.begin('doubtful')
  now = 10 * PENDING_SUBMIT_MS
  assert.deepEqual([young.has('known'), young.has('doubtful'), young.has('other')], [true, true, false])
  young.settle('known')
  young.doubt('doubtful')
  assert.deepEqual([young.has('known'), young.has('doubtful')], [false, true])
  now += PENDING_SUBMIT_MS - 1
  assert.ok(young.has('doubtful'))
  now += 1
  assert.ok(!young.has('doubtful'))
  young.begin('doubtful')
  assert.ok(young.has('doubtful'))
})

test('what was seen in the ledger is in doubt no more; a submit that runs goes on', () => {
  const young = createYoung({ mono: () => 0 })
  young.doubt('seen')
  young.begin('running')
  for (const video of ['seen', 'running']) young.seen(video)
  assert.deepEqual([young.has('seen'), young.has('running')], [false, true])
})

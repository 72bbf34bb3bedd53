import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterFailure, forgiven, mayStart, NO_FAILURES, nextWaitMs } from './start-backoff.ts'

const rng = { random: () => 0.5, token: () => '' }

test('the wait before the next start doubles with each failure, up to two minutes, and begins again when forgiven', () => {
  let backoff = NO_FAILURES
  const waits = Array.from({ length: 8 }, () => {
    const waitMs = nextWaitMs(backoff, rng)
    backoff = afterFailure(backoff, 0, waitMs)
    return waitMs / 1000
  })
  assert.deepEqual(waits, [2, 4, 8, 16, 32, 64, 120, 120])
  assert.equal(nextWaitMs(forgiven(backoff), rng), 2_000)
})

test('a worker may be started at once, and after a failure only when its wait is over, forgiven or not', () => {
  assert.equal(mayStart(NO_FAILURES, 0), true)
  const backoff = afterFailure(NO_FAILURES, 10_000, 2_000)
  assert.deepEqual(backoff, { failures: 1, failedAt: 10_000, notBefore: 12_000 })
  for (const [now, may] of [
    [11_999, false],
    [12_000, true],
  ] as const) {
    assert.equal(mayStart(backoff, now), may)
    assert.equal(mayStart(forgiven(backoff), now), may)
  }
})

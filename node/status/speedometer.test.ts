/** Rates over a sliding window. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { createSpeedometer } from './speedometer.ts'

function meter() {
  let now = 0
  const clock = { mono: () => now } as Partial<Clock> as Clock
  const { rate } = createSpeedometer(clock)
  const at = (ms: number, key: string, done: number) => {
    now = ms
    return rate(key, done)
  }
  return { at }
}

describe('the speedometer', () => {
  it('does not guess from samples that are too close', () => {
    const { at } = meter()
    assert.deepEqual([at(0, 'a', 0), at(499, 'a', 0.3), at(500, 'a', 0.5)], [null, null, 1])
  })

  it('forgets what is older than its window', () => {
    const { at } = meter()
    at(0, 'a', 0)
    at(10_000, 'a', 0.5)
    assert.equal(at(30_000, 'a', 0.5), 0)
  })

  it('never runs backwards, and measures each key on its own', () => {
    const { at } = meter()
    at(0, 'a', 0.9)
    at(0, 'b', 0)
    assert.equal(at(1_000, 'a', 0.1), 0)
    assert.equal(at(1_000, 'b', 0.25), 0.25)
  })

  it('keeps a bounded number of keys', () => {
    const { at } = meter()
    at(0, 'first', 0)
    for (let n = 0; n < 1_000; n++) at(1, `key ${n}`, 0)
    assert.equal(at(2_000, 'first', 1), null)
    assert.equal(at(2_001, 'key 999', 1), 0.5)
  })
})

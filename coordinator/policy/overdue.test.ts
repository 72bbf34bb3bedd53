import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { overdueMs, type Standstill, standstillOf } from './overdue.ts'

const FRESH_MS = 10_000

/** How long an attempt has stood still after so many seconds, by what it tells at each. */
function stoodS(seconds: number, told: (s: number) => number | null): number {
  let still: Standstill | undefined
  for (let s = 0; s <= seconds; s++)
    still = standstillOf({ done: told(s), elapsedMs: s * 1000, freshMs: FRESH_MS }, still, s * 1000)
  return seconds - still!.since / 1000
}

describe('an attempt stands still', () => {
  test('where it tells nothing, nothing new, or always that it is nearly done', () => {
    assert.equal(overdueMs(FRESH_MS), 60_000)
    assert.equal(overdueMs(null), Number.POSITIVE_INFINITY)
    assert.equal(
      stoodS(300, () => null),
      300,
    )
    assert.equal(
      stoodS(300, () => 0),
      300,
    )
    assert.equal(
      stoodS(300, (s) => Math.min(0.5, s / 100)),
      250,
    )
    assert.ok(stoodS(300, () => 0.9999) >= 299)
    assert.ok(stoodS(300, (s) => 1 - 1 / (s + 10)) >= 280, 'creeping up to the end')
  })

  test('never where it is only slow, at any even speed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 5_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (total, at) => {
        const stood = stoodS(Math.floor(total * at), (s) => s / total)
        // What is left at its end it truly needs.
        assert.ok(stood * 1000 <= overdueMs(FRESH_MS) / 4 + 2_000, `${stood} s of ${total}`)
      }),
    )
  })
})

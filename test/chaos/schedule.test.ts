import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spreadOf } from './report.ts'
import { scheduleOf } from './schedule.ts'

const of = (seed: number, minutes = 30) => scheduleOf({ seed, minutes, nodes: 5 })

test('a seed is a schedule: the same again, another for another seed', () => {
  assert.deepEqual(of(7), of(7))
  assert.notDeepEqual(of(7), of(8))
})

test('a bout begins after the one before it has ended, all end within the time, and in an hour every kind comes', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const bouts = of(seed, 60)
    for (const [n, { at, faults }] of bouts.entries()) {
      const end = at + Math.max(...faults.map(({ ms }) => ms))
      assert.ok(end < (bouts[n + 1]?.at ?? 60 * 60_000))
    }
    const kinds = new Set(bouts.flatMap(({ faults }) => faults.map(({ what }) => what)))
    assert.equal(kinds.size, 14)
  }
})

test('the spread of a thousand', () => {
  const thousand = Array.from({ length: 1_000 }, (_, n) => 1_000 - n)
  assert.deepEqual(spreadOf(thousand), { count: 1_000, medianMs: 500, p95Ms: 950, maxMs: 1_000 })
  assert.equal(spreadOf([]), null)
})

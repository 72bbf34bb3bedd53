import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../scaling-day.ts'
import { BEFORE, FIFO, heldOf, policyOrder, simulate } from './deadline-day.ts'
import { bestInHindsight } from './hindsight.ts'
import { STUDIO, studioDay } from './studio.ts'

for (const seed of [1, 2])
  test(`500 videos of a day on peers that die: 95 % of the deadlines of the best order in hindsight, day ${seed}`, () => {
    const day = studioDay(STUDIO, seeded(seed))
    const runs = [policyOrder(day), BEFORE, FIFO].map((order) => simulate(day, order))
    const [held, before, fifo] = runs.map((done) => heldOf(day, done))
    const best = bestInHindsight(day, [held!, before!, fifo!])
    assert.ok(held!.length >= 0.95 * best.length, `${held!.length} of ${best.length}`)
    assert.ok(held!.length > before!.length && before!.length >= fifo!.length)
    assert.equal(runs[0]!.size, day.arrivals.length)
  })

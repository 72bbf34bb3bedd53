import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inputDeadlineAt, isInputDeadlinePast } from './input-deadline.ts'

const NOON = new Date(2026, 11, 24, 12).getTime()

test('a file is wanted so long after it was put there, or at the next such time of the day', () => {
  assert.equal(inputDeadlineAt({ input_within: '1h30m' }, NOON), NOON + 90 * 60_000)
  assert.equal(inputDeadlineAt({ input_deadline: '18:00' }, NOON), NOON + 6 * 3_600_000)
  assert.equal(inputDeadlineAt({ input_deadline: '9:00' }, NOON), NOON + 21 * 3_600_000)
})

test('a time that is past when the node starts is known, and one that can be none is refused', () => {
  assert.equal(isInputDeadlinePast({ input_deadline: '2026-12-24 11:00' }, NOON), true)
  assert.equal(isInputDeadlinePast({ input_deadline: '2026-12-24 13:00' }, NOON), false)
  assert.equal(isInputDeadlinePast({ input_deadline: '11:00' }, NOON), false)
  assert.equal(isInputDeadlinePast({}, NOON), false)
  assert.throws(() => isInputDeadlinePast({ input_deadline: '2036-12-24 11:00' }, NOON), /more than two years away/)
})

test('without a setting, and once its time has passed, a file is wanted at no time', () => {
  assert.equal(inputDeadlineAt({}, NOON), null)
  assert.equal(inputDeadlineAt({ input_deadline: '2026-12-24 13:00' }, NOON), NOON + 3_600_000)
  assert.equal(inputDeadlineAt({ input_deadline: '2026-12-24 13:00' }, NOON + 7_200_000), null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clockText, deadlineText, rowDeadlineText, spanText } from './deadline-text.ts'

const NOON = new Date(2026, 11, 24, 12).getTime()
const MIN = 60_000
const of = (done: number | null, more: number | null, left = 60) =>
  deadlineText({
    deadline: NOON + left * MIN,
    forecast: { done_at: done === null ? null : NOON + done * MIN, more },
    like: 'nas',
    now: NOON,
  })

test('people read when it is done, and how much earlier or later than its deadline', () => {
  assert.equal(of(20, 0), 'done about 12:20, 40 min to spare')
  assert.equal(of(72, 3), 'done about 13:12, 12 min late: 3 more workers like nas would hold it')
  assert.equal(of(72, 1), 'done about 13:12, 12 min late: 1 more worker like nas would hold it')
  assert.equal(of(72, null), 'done about 13:12, 12 min late: no number of workers would hold it')
  assert.equal(of(20, null, -12), 'missed by 12 min so far, done about 12:20')
  assert.equal(of(null, null), 'no peer that is here can encode it')
})

test('before it is planned nothing is known but that its deadline has passed', () => {
  const row = { done_at: null, spare_s: null, more: null, like: null, text: '' }
  assert.equal(
    rowDeadlineText({ deadline: NOON + MIN, forecast: row }, NOON),
    'whether it holds is known once it is planned',
  )
  assert.equal(rowDeadlineText({ deadline: NOON - 5 * MIN, forecast: row }, NOON), 'missed by 5 min so far')
  assert.equal(rowDeadlineText({ deadline: null, forecast: null }, NOON), null)
})

test('a time of another day has its day; lengths have one or two units', () => {
  assert.equal(clockText(NOON + 13 * 60 * MIN, NOON), '2026-12-25 01:00')
  const spans = [40_000, 100_000, 95 * MIN, 120 * MIN, 3 * 1_440 * MIN].map(spanText)
  assert.deepEqual(spans, ['40 s', '2 min', '1 h 35 min', '2 h', '3 days'])
})

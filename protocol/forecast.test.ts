import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DeadlineState, deadlineState, forecastsText, readForecasts } from './forecast.ts'
import type { VideoId } from './ids.ts'

const id = '3da5533efb102864' as VideoId

test('forecasts are read as they were written; another text says nothing', () => {
  const some = { like: 'nas', videos: new Map([[id, { done_at: 5, more: null }]]) }
  assert.deepEqual(readForecasts(forecastsText(some)), some)
  for (const text of [undefined, '', 'null', '{"like":5,"videos":{}}', '{"like":null,"videos":{"x":[1,2]}}'])
    assert.deepEqual(readForecasts(text), { like: null, videos: new Map() })
  fc.assert(fc.property(fc.string(), (text) => readForecasts(text).videos.size === 0))
})

test('a deadline is in danger, missed, and safe again with some time to spare', () => {
  const at = (done_at: number | null, before?: DeadlineState, now = 0) =>
    deadlineState({ now, deadline: 1_000_000, forecast: { done_at, more: 0 }, before })
  assert.deepEqual([at(900_000), at(1_000_001), at(null)], ['held', 'danger', 'danger'])
  assert.deepEqual([at(950_000, 'danger'), at(880_000, 'danger')], ['danger', 'held'])
  assert.deepEqual([at(950_000, 'held'), at(5, 'held', 1_000_001)], ['held', 'missed'])
  assert.equal(deadlineState({ now: 0, deadline: 5, forecast: undefined, before: 'danger' }), 'danger')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { CLOCK_APART_MS } from '../../protocol/limits.ts'
import { clockApart, compareClocks } from './clock-apart.ts'

test('clocks within the limit are no problem, and beyond it the sentence says which way', () => {
  for (const fine of [0, CLOCK_APART_MS, -CLOCK_APART_MS]) assert.equal(compareClocks(fine).problem, null)
  assert.match(compareClocks(90_000).problem ?? '', /clock is 90\.0 s ahead of the ledger's.*NTP/)
  assert.match(compareClocks(-3_000).problem ?? '', /clock is 3\.0 s behind/)
})

test('a slow answer is not a wrong clock', async () => {
  const times = [1_000, 9_000]
  const clock = { now: () => times.shift() ?? 0 } as Clock
  assert.equal((await clockApart({ now: async () => 5_000 }, clock)).apartMs, 0)
})

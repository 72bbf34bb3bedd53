import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, BOB } from '../../protocol/conformance/ledger/world.ts'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import { createProgressWatch } from './progress-watch.ts'

const FILM = '0123456789abcdef' as VideoId
const OTHER = 'fedcba9876543210' as VideoId

test('a video progresses with an attempt that advances, not with one that begins, ends or fails again', () => {
  let now = 0
  const watch = createProgressWatch({ mono: () => now })
  const runs = (attempt: number, done: number, peer = ANN) =>
    watch.sawRunning(peer, [{ task: taskId(FILM, '480p', 0), attempt, done, speed: 0 }])
  now = 5_000
  runs(1, 0)
  assert.equal(watch.stillMs(FILM), 5_000)
  runs(1, 0.1)
  now = 8_000
  assert.deepEqual([watch.stillMs(FILM), watch.stillMs(OTHER)], [3_000, 8_000])
  runs(1, 0.1)
  watch.sawRunning(ANN, [])
  for (let attempt = 2; attempt < 25; attempt++) runs(attempt, 0, BOB)
  assert.equal(watch.stillMs(FILM), 3_000)
  runs(25, 0.01, BOB)
  assert.equal(watch.stillMs(FILM), 0)
})

test('a video progresses with its status and with tasks that are done, not with those that are lost and made again', () => {
  let now = 0
  const watch = createProgressWatch({ mono: () => now })
  watch.sawCounts(FILM, 'RUNNING', 5)
  now = 4_000
  watch.sawCounts(FILM, 'RUNNING', 4)
  watch.sawCounts(FILM, 'RUNNING', 5)
  assert.equal(watch.stillMs(FILM), 4_000)
  watch.sawCounts(FILM, 'RUNNING', 6)
  now = 6_000
  assert.equal(watch.stillMs(FILM), 2_000)
  watch.sawCounts(FILM, 'MERGING', 6)
  assert.deepEqual([watch.stillMs(FILM), watch.knownMs(FILM), watch.knownMs(OTHER)], [0, 6_000, 0])
  // What happened between two looks that are far apart was not a moment ago.
  now = 60_000
  watch.sawCounts(FILM, 'MERGING', 7)
  assert.equal(watch.stillMs(FILM), 54_000)
})

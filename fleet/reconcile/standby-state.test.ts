import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineUnavailable, LaunchRefused } from '../../protocol/launcher.ts'
import { ENGINE_STANDBY_MS, ENGINE_TROUBLE_MS } from '../../protocol/limits.ts'
import {
  afterHealthyStart,
  afterRound,
  endedAt,
  failureOfEngine,
  isDue,
  isOver,
  NOT_ON_STANDBY,
  onStandby,
} from './standby-state.ts'

const rng = { random: () => 0.5, token: () => '' }
const REFUSED = new LaunchRefused('no image')
const AWAY = new EngineUnavailable('no socket')

test('a standby is due once the engine has failed for 30 s without a good round between', () => {
  const failing = afterRound(NOT_ON_STANDBY, REFUSED, 1_000)
  assert.equal(isDue(NOT_ON_STANDBY, 1_000_000), false)
  assert.equal(isDue(failing, 1_000 + ENGINE_TROUBLE_MS - 1), false)
  assert.equal(isDue(failing, 1_000 + ENGINE_TROUBLE_MS), true)
  assert.equal(afterRound(failing, AWAY, 20_000).failingSince, 1_000, 'another failure is the same outage')
  assert.equal(afterRound(failing, null, 20_000).failingSince, null)
})

test('a standby lasts twice as long as the one before, up to half an hour, and is short again after a healthy start', () => {
  let state = NOT_ON_STANDBY
  const minutes = Array.from({ length: 7 }, () => {
    state = onStandby(state, REFUSED, 0, rng)
    return state.until / 60_000
  })
  assert.deepEqual(minutes, [1, 2, 4, 8, 16, 30, 30])
  assert.equal(onStandby(afterHealthyStart(state), REFUSED, 0, rng).until, ENGINE_STANDBY_MS.base)
})

test('a standby is over when its time is, or when it is ended; it knows whether the engine did not answer', () => {
  const state = onStandby(afterRound(NOT_ON_STANDBY, AWAY, 0), AWAY, 40_000, rng)
  assert.deepEqual(state, { failingSince: null, until: 100_000, wasAway: true, times: 1 })
  assert.equal(onStandby(state, REFUSED, 0, rng).wasAway, false)
  assert.equal(onStandby(state, 'its workers fail', 0, rng).wasAway, false)
  assert.equal(isOver(NOT_ON_STANDBY, 0), true)
  assert.equal(isOver(state, 99_999), false)
  assert.equal(isOver(state, 100_000), true)
  assert.equal(isOver(endedAt(state, 50_000), 50_000), true)
})

test('beside healthy workers only an engine that does not answer counts as failing', () => {
  const cases: [unknown, boolean, unknown][] = [
    [null, false, null],
    [null, true, null],
    [REFUSED, false, REFUSED],
    [REFUSED, true, null],
    ['its workers fail', true, null],
    [AWAY, false, AWAY],
    [AWAY, true, AWAY],
  ]
  for (const [failure, isWell, counted] of cases) assert.equal(failureOfEngine(failure, isWell), counted)
})

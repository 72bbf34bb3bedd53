/** How often the duties run while nothing happens. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHints } from '../protocol/hints.ts'
import { DUTY_MS, QUIET_AFTER_MS, QUIET_DUTY_MS } from '../protocol/limits.ts'
import { createDutyInterval } from './duty-interval.ts'

test('duties run less often once no task ran and no hint came for a while, and as usual from the next one on', () => {
  const at = { now: 0, running: false }
  const hints = createHints()
  const interval = createDutyInterval({ clock: { mono: () => at.now }, hints }, () => at.running)
  const after = (ms: number) => {
    at.now += ms
    return interval.ms()
  }
  const isQuiet = (ms: number) => ms > 0 && ms <= QUIET_DUTY_MS + 50 && (at.now + ms) % (QUIET_DUTY_MS + 50) === 0
  assert.equal(after(QUIET_AFTER_MS - 1), DUTY_MS)
  assert.ok(isQuiet(after(1)))
  hints.publish({ what: 'peers', video: null })
  assert.equal(after(0), DUTY_MS)
  at.running = true
  assert.equal(after(QUIET_AFTER_MS), DUTY_MS)
  at.running = false
  assert.equal(after(QUIET_AFTER_MS - 1), DUTY_MS)
  assert.ok(isQuiet(after(1)))
  interval.stop()
  hints.publish({ what: 'tasks', video: null })
  for (const ms of [0, 7, 1_000, QUIET_DUTY_MS, 49]) assert.ok(isQuiet(after(ms)), 'all at the same times')
})

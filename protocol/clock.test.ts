import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { backoffMs, type Clock, deadline } from './clock.ts'

/** A clock that stands until it is moved. */
function handClock(): Clock & { move(ms: number): void; timers: number } {
  const timers = new Set<{ at: number; act: () => void }>()
  let now = 0
  return {
    now: () => now,
    mono: () => now,
    sleep: async () => {},
    timer: (ms, act) => {
      const timer = { at: now + ms, act }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    move: (ms) => {
      now += ms
      for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.act()
    },
    get timers() {
      return timers.size
    },
  }
}

describe('a deadline', () => {
  test('aborts when its time is over, not before, and says so', () => {
    const clock = handClock()
    const signal = deadline(clock, 100)
    clock.move(99)
    assert.equal(signal.aborted, false)
    clock.move(1)
    assert.equal((signal.reason as Error).name, 'TimeoutError')
    assert.equal(clock.timers, 0)
  })
  test('aborts with the signal it was given, for that signal’s reason', () => {
    const controller = new AbortController()
    const signal = deadline(handClock(), 100, controller.signal)
    controller.abort(new Error('stopping'))
    assert.equal((signal.reason as Error).message, 'stopping')
  })
})

describe('a backoff', () => {
  const rng = (random: number) => ({ random: () => random, token: () => '' })
  test('doubles, is spread by half either way, and is bounded whatever the number of tries', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((tries) => backoffMs({ tries, baseMs: 100, maxMs: 500, rng: rng(0.5) })),
      [100, 200, 400, 500],
    )
    const tries = fc.nat(10_000)
    fc.assert(
      fc.property(tries, fc.double({ min: 0, max: 0.999, noNaN: true }), (n, random) => {
        const ms = backoffMs({ tries: n, baseMs: 100, maxMs: 5_000, rng: rng(random) })
        assert.ok(Number.isInteger(ms) && ms >= 50 && ms <= 7_500)
      }),
    )
  })
})

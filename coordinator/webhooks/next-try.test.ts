import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WEBHOOK_RETRY_MS } from '../../protocol/webhook-delivery.ts'
import { outcomeOf } from './next-try.ts'

const rng = (random: number) => ({ random: () => random, token: () => '' })
const MIDDLE = rng(0.5)
const fresh = { attempts: 0, until: WEBHOOK_RETRY_MS }
const answered = (status: number, retry_after_ms: number | null = null) => ({ status, retry_after_ms })

test('every 2xx delivers, 410 gives up, and everything else is sent again', () => {
  for (const status of [200, 201, 202, 204, 299])
    assert.equal(outcomeOf(answered(status), fresh, { now: 0, rng: MIDDLE }).state, 'delivered', `${status}`)
  assert.deepEqual(outcomeOf(answered(410), fresh, { now: 0, rng: MIDDLE }), {
    state: 'failed',
    answer: 'HTTP 410: the endpoint is gone',
    in_ms: 0,
  })
  for (const status of [301, 302, 307, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503])
    assert.deepEqual(outcomeOf(answered(status), fresh, { now: 0, rng: MIDDLE }), {
      state: 'waiting',
      answer: `HTTP ${status}`,
      in_ms: 2_000,
    })
  const away = { problem: 'nothing listens there', retry_after_ms: null }
  assert.equal(outcomeOf(away, fresh, { now: 0, rng: MIDDLE }).answer, 'nothing listens there')
})

test('an endpoint that asks for a time is not asked before it, and a fault of ours is tried again at its own time', () => {
  for (const status of [429, 503])
    assert.equal(outcomeOf(answered(status, 90_000), fresh, { now: 0, rng: MIDDLE }).in_ms, 90_000)
  assert.equal(outcomeOf(answered(503, 1), fresh, { now: 0, rng: MIDDLE }).in_ms, 2_000, 'never sooner than by itself')
  const ours = { problem: 'no secret', retry_after_ms: 60_000 }
  assert.equal(outcomeOf(ours, { ...fresh, attempts: 20 }, { now: 0, rng: MIDDLE }).in_ms, 60_000)
})

test('a dead endpoint is asked some thirty times in a day, with growing waits that chance spreads, and then given up', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
      let [now, attempts, before] = [0, 0, 0]
      for (;;) {
        const out = outcomeOf(answered(500), { attempts, until: WEBHOOK_RETRY_MS }, { now, rng: rng(random) })
        if (out.state === 'failed') break
        assert.ok(out.in_ms >= before && out.in_ms <= 1.5 * 3_600_000, `wait ${attempts}: ${out.in_ms}`)
        before = out.in_ms
        now += out.in_ms
        attempts++
      }
      assert.ok(now < WEBHOOK_RETRY_MS && now > WEBHOOK_RETRY_MS - 2 * 3_600_000, `given up after ${now} ms`)
      assert.ok(attempts >= 20 && attempts <= 60, `${attempts} attempts`)
    }),
  )
})

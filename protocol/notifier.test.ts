import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLife } from '../testing/simulation/life.ts'
import { createScheduler } from '../testing/simulation/virtual-time.ts'
import { NOTIFIED_AT_ONCE, NOTIFIED_GAP_MS } from './limits.ts'
import { createNotifier } from './notifier.ts'

function setUp() {
  const scheduler = createScheduler()
  const life = createLife(scheduler)
  const notifier = createNotifier(life.clock)
  const stop = new AbortController()
  const looks: number[] = []
  const loop = async (everyMs: number) => {
    while (!stop.signal.aborted) {
      await notifier.wait(everyMs, stop.signal).catch(() => {})
      if (!stop.signal.aborted) looks.push(scheduler.now())
    }
  }
  const run = async (ms: number) => {
    scheduler.after(ms, () => {})
    await scheduler.run({ untilMs: scheduler.now() + ms, isOver: () => false })
  }
  return { scheduler, life, notifier, stop, looks, loop, run }
}

describe('a notifier', () => {
  it('ends every wait at once at the first notification', async () => {
    const { notifier, looks, loop, run } = setUp()
    for (let n = 0; n < 3; n++) void loop(10_000)
    await run(1_000)
    notifier.notify()
    await run(100)
    assert.deepEqual(looks, [1_000, 1_000, 1_000])
  })

  it('causes a few looks at once, then at most four a second, whatever comes, and one after the last', async () => {
    const { scheduler, life, notifier, stop, looks, loop, run } = setUp()
    void loop(10_000)
    for (let at = 1_000; at < 3_000; at++) scheduler.after(at, () => notifier.notify())
    await run(4_000)
    assert.ok(looks[NOTIFIED_AT_ONCE - 1]! < 1_010, looks.join())
    assert.ok(
      looks.every((at, n) => n < NOTIFIED_AT_ONCE || at - looks[n - 1]! >= NOTIFIED_GAP_MS - NOTIFIED_AT_ONCE),
      looks.join(),
    )
    assert.ok(looks.length <= NOTIFIED_AT_ONCE + 9, looks.join())
    assert.ok(looks.length >= 8 && looks.at(-1)! >= 2_999, looks.join())
    stop.abort()
    await run(1)
    assert.equal(life.timers(), 0)
  })

  it('remembers a notification without a wait', async () => {
    const { notifier, looks, loop, run } = setUp()
    notifier.notify()
    void loop(10_000)
    await run(20)
    assert.deepEqual(looks, [0])
  })
})

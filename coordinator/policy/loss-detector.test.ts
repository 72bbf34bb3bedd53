/** When a blob that nobody offers counts as lost. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asPeerId, asSha256, type PeerId } from '../../protocol/ids.ts'
import { LOSS_WATCH_MS, LOST_AFTER_MS, SOURCE_LOST_AFTER_MS } from '../../protocol/limits.ts'
import { createLife } from '../../testing/simulation/life.ts'
import { createScheduler } from '../../testing/simulation/virtual-time.ts'
import { createLossDetector } from './loss-detector.ts'

const [a, b] = ['a', 'b'].map(asPeerId) as [PeerId, PeerId]
const sha256 = asSha256('1'.repeat(64))

/** `lacks`: who says that it has it not. */
function setUp(lacks: readonly PeerId[]) {
  const scheduler = createScheduler()
  const { clock } = createLife(scheduler)
  const pass = async (ms: number) => {
    scheduler.after(ms, () => {})
    await scheduler.run({ untilMs: Number.POSITIVE_INFINITY, isOver: () => false })
  }
  const loss = createLossDetector({ clock })
  type Blob = Parameters<typeof loss.isLost>[0]
  return { pass, clock, loss: { ...loss, isLost: (blob: Blob, afterMs?: number) => loss.isLost(blob, lacks, afterMs) } }
}

describe('a blob that no peer offers', () => {
  it('is lost at once where every holder says that it has it no more', () => {
    const { loss } = setUp([a, b])
    assert.equal(loss.isLost({ sha256, holders: [a, b] }), true)
  })

  it('is waited for where it has no holder any more: who sees it again adds itself', async () => {
    const { loss, pass } = setUp([a])
    assert.equal(loss.isLost({ sha256, holders: [] }), false)
    await pass(LOST_AFTER_MS)
    assert.equal(loss.isLost({ sha256, holders: [] }), true)
  })

  it('is waited for while a holder does not answer, and lost after half a minute', async () => {
    const { loss, pass } = setUp([a])
    assert.equal(loss.isLost({ sha256, holders: [a, b] }), false)
    await pass(LOST_AFTER_MS - 1)
    assert.equal(loss.isLost({ sha256, holders: [a, b] }), false)
    await pass(1)
    assert.equal(loss.isLost({ sha256, holders: [a, b] }), true)
  })

  it('is waited for again after it was found', async () => {
    const { loss, pass } = setUp([])
    assert.equal(loss.isLost({ sha256, holders: [b] }), false)
    await pass(LOST_AFTER_MS)
    loss.found(sha256)
    assert.equal(loss.isLost({ sha256, holders: [b] }), false)
  })

  it('is waited for again after two minutes without a report and a scan without it', async () => {
    const { loss, pass, clock } = setUp([])
    assert.equal(loss.isLost({ sha256, holders: [b] }), false)
    await pass(LOSS_WATCH_MS)
    loss.endScan(clock.mono())
    assert.equal(loss.isLost({ sha256, holders: [b] }), false)
  })

  it('is waited for on while its task is tried again, and while a look lasts', async () => {
    for (const [afterMs, lookMs] of [
      [LOSS_WATCH_MS - 1, 0],
      [LOSS_WATCH_MS, LOSS_WATCH_MS],
    ] as const) {
      const { loss, pass, clock } = setUp([])
      const began = clock.mono()
      assert.equal(loss.isLost({ sha256, holders: [b] }), false)
      await pass(afterMs)
      loss.endScan(lookMs > 0 ? began : clock.mono())
      assert.equal(loss.isLost({ sha256, holders: [b] }), true)
    }
  })

  it('is waited for longer where it is a source', async () => {
    const { loss, pass } = setUp([])
    assert.equal(loss.isLost({ sha256, holders: [b] }, SOURCE_LOST_AFTER_MS), false)
    await pass(LOST_AFTER_MS)
    assert.equal(loss.isLost({ sha256, holders: [b] }, SOURCE_LOST_AFTER_MS), false)
    await pass(SOURCE_LOST_AFTER_MS)
    assert.equal(loss.isLost({ sha256, holders: [b] }, SOURCE_LOST_AFTER_MS), true)
  })

  it('is never lost because fewer of its holders answer', () => {
    assert.equal(setUp([a, b]).loss.isLost({ sha256, holders: [a, b] }), true)
    for (const present of [[a], [b], []]) assert.equal(setUp(present).loss.isLost({ sha256, holders: [a, b] }), false)
  })
})

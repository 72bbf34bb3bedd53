/** The failure detector on a virtual clock: it must not get slower, nor take work from peers that live. `npm run sim:detector` measures more. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measureCutLeader, measureDetection, measureMistakes, share } from './figures.ts'

describe('the failure detector', () => {
  for (const [peers, boundMs] of [
    [4, { kill: 100, stop: 3_000, cut: 3_000, mute: 10_100 }],
    [16, { kill: 100, stop: 3_000, cut: 3_000, mute: 20_100 }],
    // Most peers are not connected to the leader: it goes by what others saw.
    [100, { kill: 2_500, stop: 4_500, cut: 4_500, mute: Number.POSITIVE_INFINITY }],
  ] as const) {
    it(`reclaims what a killed, stopped, cut-off or mute peer of ${peers} held, in time`, async (t) => {
      const kinds = peers > 32 ? (['kill', 'stop', 'cut'] as const) : (['kill', 'stop', 'cut', 'mute'] as const)
      const found = await measureDetection({ peers, victims: peers > 32 ? 2 : 4, kinds })
      for (const kind of kinds) {
        const { reclaimed, missed } = found[kind]
        t.diagnostic(
          `${kind}: median ${Math.round(share(reclaimed, 0.5))} ms, longest ${Math.round(Math.max(...reclaimed))} ms`,
        )
        assert.equal(missed, 0, `a ${kind} was not noticed before the claim ran out`)
        assert.ok(share(reclaimed, 0.5) <= boundMs[kind], `a ${kind} took ${share(reclaimed, 0.5)} ms`)
      }
    })
  }

  for (const peers of [4, 16]) {
    it(`evicts none of ${peers} that live while a tenth of all messages is lost, or the observers stall`, async () => {
      const lossy = await measureMistakes({ peers, loss: 0.1, minutes: 5 })
      assert.equal(lossy.evictionsPerHour, 0)
      const stalled = await measureMistakes({ peers, loss: 0, minutes: 5, stalls: true })
      assert.equal(stalled.evictionsPerHour, 0)
    })
  }

  it('suspects no peer where nothing is lost, in a mesh of 100, whose peers send eight heartbeats a second together', async () => {
    const { suspicionsPerHour, evictionsPerHour, heartbeatsPerSecond } = await measureMistakes({
      peers: 100,
      loss: 0,
      minutes: 2,
    })
    assert.deepEqual([suspicionsPerHour, evictionsPerHour], [0, 0])
    assert.ok(heartbeatsPerSecond < 9, `${heartbeatsPerSecond} heartbeats a second`)
  })

  for (const peers of [4, 16, 100]) {
    it(`lets a leader that lost a mesh of ${peers}, but not the ledger, reclaim nothing and release the lease`, async () => {
      assert.deepEqual(await measureCutLeader(peers), { reclaimed: 0, steppedDown: true })
    })
  }
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PeerId } from '../../protocol/ids.ts'
import { doubtSelf, heartbeatDeadlineMs, judgePeer, type PeerEvidence } from './suspicion.ts'

const evidence = (of: Partial<PeerEvidence>): PeerEvidence => ({
  peer: 'p' as PeerId,
  isConnected: true,
  heardAgoMs: 500,
  reporters: 0,
  hasLeft: false,
  ...of,
})

describe('suspicion', () => {
  test('believes a peer that was heard lately, whatever others say', () => {
    assert.equal(judgePeer(evidence({ reporters: 5 }), { peers: 4 }).isSuspect, false)
    assert.equal(judgePeer(evidence({ isConnected: false }), { peers: 4 }).isSuspect, false)
  })

  test('suspects silence beyond the deadline, which grows with the mesh', () => {
    assert.equal(judgePeer(evidence({ heardAgoMs: 2_600 }), { peers: 4 }).reason, 'no heartbeat for 2.6 s')
    assert.equal(judgePeer(evidence({ heardAgoMs: 2_600 }), { peers: 32 }).isSuspect, false)
    assert.equal(heartbeatDeadlineMs(32), 10_000)
  })

  test('takes two reporters as something seen, not as silence', () => {
    const verdict = judgePeer(evidence({ heardAgoMs: 3_000, reporters: 2 }), { peers: 4 })
    assert.deepEqual([verdict.isSuspect, verdict.bySilence], [true, false])
  })

  test('gives a connected peer that has not beaten yet its time, and one nobody knows none', () => {
    assert.equal(judgePeer(evidence({ heardAgoMs: null }), { peers: 4 }).isSuspect, false)
    assert.equal(judgePeer(evidence({ heardAgoMs: null, isConnected: false }), { peers: 4 }).isSuspect, true)
  })

  test('more silence never looks healthier', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60_000 }),
        fc.integer({ min: 0, max: 60_000 }),
        fc.integer({ min: 1, max: 1_000 }),
        (a, b, peers) => {
          const [less, more] = [
            judgePeer(evidence({ heardAgoMs: Math.min(a, b) }), { peers }),
            judgePeer(evidence({ heardAgoMs: Math.max(a, b) }), { peers }),
          ]
          return !less.isSuspect || more.isSuspect
        },
      ),
    )
  })

  test('doubts itself after its own stall, and when most of the mesh falls silent at once', () => {
    assert.match(doubtSelf({ stalledAgoMs: 1_000, heardInAMinute: 5, suspectedBySilence: 1 }) ?? '', /itself stalled/)
    assert.match(doubtSelf({ stalledAgoMs: null, heardInAMinute: 4, suspectedBySilence: 3 }) ?? '', /3 of 4 peers/)
    assert.equal(doubtSelf({ stalledAgoMs: null, heardInAMinute: 4, suspectedBySilence: 2 }), null)
    assert.equal(
      doubtSelf({ stalledAgoMs: null, heardInAMinute: 2, suspectedBySilence: 2 }),
      null,
      'two peers are too few to tell',
    )
  })
})

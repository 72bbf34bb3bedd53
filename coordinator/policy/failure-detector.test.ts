import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PeerId } from '../../protocol/ids.ts'
import {
  assessPeer,
  detectOwnPartition,
  heartbeatDeadlineMs,
  isConfirmed,
  type PeerEvidence,
} from './failure-detector.ts'

const evidence = (of: Partial<PeerEvidence>): PeerEvidence => ({
  peer: 'p' as PeerId,
  isConnected: true,
  wasLost: false,
  heardAgoMs: 500,
  reports: [],
  hasLeft: false,
  ...of,
})
const observer = (peers: number, hasStalled = false) => ({ peers, hasStalled })
const lost = { isConnected: false, wasLost: true } as const

describe('suspicion', () => {
  test('believes its own connection more than what others lost', () => {
    assert.equal(assessPeer(evidence({ reports: [9_000, 9_000, 9_000] }), observer(4)).isSuspect, false)
  })

  test('takes three who lost it together as seen, or two not refuted, however lately a slow heartbeat came before', () => {
    const far = (reports: number[]) => evidence({ isConnected: false, heardAgoMs: 3_000, reports })
    const peers = 1_000
    assert.equal(assessPeer(far([400, 410, 420]), observer(peers)).reason, '3 peers lost their connection to it')
    assert.equal(assessPeer(far([390, 410, 420]), observer(peers)).isSuspect, false, 'it may yet refute them')
    assert.equal(assessPeer(far([2_000, 2_500]), observer(peers)).reason, '2 peers lost their connection to it')
    assert.equal(assessPeer(far([1_900, 2_500]), observer(peers)).isSuspect, false)
  })

  test('waits for nothing when all who could see a loss saw it together', () => {
    assert.equal(isConfirmed([0, 30, 900], { observers: 7 }), true)
    assert.equal(isConfirmed([0, 30, 1_100], { observers: 7 }), false)
    assert.equal(isConfirmed([0, 30], { observers: 2 }), true)
    assert.equal(isConfirmed([0], { observers: 1 }), false, 'one is no witness of itself')
  })

  test('suspects silence behind a lost connection at a deadline that grows with the mesh', () => {
    assert.equal(assessPeer(evidence({ ...lost, heardAgoMs: 2_600 }), observer(4)).reason, 'no heartbeat for 2.6 s')
    assert.equal(assessPeer(evidence({ ...lost, heardAgoMs: 2_600 }), observer(32)).isSuspect, false)
    assert.equal(heartbeatDeadlineMs(32), 10_000)
  })

  test('waits four times as long for a peer without a lost connection', () => {
    for (const isConnected of [true, false]) {
      assert.equal(assessPeer(evidence({ isConnected, heardAgoMs: 9_900 }), observer(4)).isSuspect, false)
      assert.equal(assessPeer(evidence({ isConnected, heardAgoMs: 10_000 }), observer(4)).isSuspect, true)
    }
  })

  test('goes by what others saw, and by no silence, after a stall of its own', () => {
    const silent = { ...lost, heardAgoMs: 60_000 }
    assert.equal(assessPeer(evidence(silent), observer(4)).isSuspect, true)
    assert.equal(assessPeer(evidence(silent), observer(4, true)).isSuspect, false)
    assert.equal(assessPeer(evidence({ ...silent, reports: [400, 410, 420] }), observer(4, true)).isSuspect, true)
  })

  test('waits for a connected peer without a heartbeat yet, and not for an unknown one', () => {
    assert.equal(assessPeer(evidence({ heardAgoMs: null }), observer(4)).isSuspect, false)
    assert.equal(assessPeer(evidence({ heardAgoMs: null, isConnected: false }), observer(4)).isSuspect, true)
  })

  test('more silence and more reports never look healthier', () => {
    const some = fc.record({
      isConnected: fc.boolean(),
      wasLost: fc.boolean(),
      heardAgoMs: fc.integer({ min: 0, max: 60_000 }),
      reports: fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 4 }),
    })
    const more = fc.record({
      silence: fc.integer({ min: 0, max: 60_000 }),
      reports: fc.array(fc.nat(9_000), { maxLength: 4 }),
    })
    fc.assert(
      fc.property(some, more, fc.integer({ min: 1, max: 1_000 }), (of, by, peers) => {
        const worse = { heardAgoMs: of.heardAgoMs + by.silence, reports: [...of.reports, ...by.reports] }
        const before = assessPeer(evidence(of), observer(peers))
        return !before.isSuspect || assessPeer(evidence({ ...of, ...worse }), observer(peers)).isSuspect
      }),
    )
  })

  test('suspects itself when it hears far less of the mesh than it should', () => {
    const fine = { heardInAMinute: 5, heardJustNow: 5, peers: 6 }
    assert.equal(detectOwnPartition(fine), null)
    assert.match(detectOwnPartition({ ...fine, heardJustNow: 2 }) ?? '', /heard 2 of about 5 expected peers/)
    assert.equal(detectOwnPartition({ ...fine, heardJustNow: 3 }), null)
    assert.equal(
      detectOwnPartition({ ...fine, heardInAMinute: 2, heardJustNow: 0, peers: 3 }),
      null,
      'two are too few to decide',
    )
  })

  test('expects of a large mesh the peers that send within 1.5 s, not all', () => {
    const large = { heardInAMinute: 480, peers: 1_000 }
    assert.equal(detectOwnPartition({ ...large, heardJustNow: 3 }), null, 'chance')
    assert.match(detectOwnPartition({ ...large, heardJustNow: 2 }) ?? '', /heard 2 of about 12/)
  })
})

/** Who may condemn a task: those who could have done it, and nobody while that is not known. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Capability } from '../../protocol/capability.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { asPeerId } from '../../protocol/ids.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import { type EligibilityInput, eligiblePeers } from './eligible-peers.ts'

const NOW = 1_000_000
const capability: Capability = {
  decoders: ['h264'],
  encoders: ['x264'],
  filters: [],
  renditions: ['480p'],
  kinds: ['audio'],
}
const heard = (name: string, of: Partial<Heartbeat> = {}, agoMs = 1_000): HeardPeer => ({
  peer: asPeerId(name),
  beat: { ...capability, roles: ['worker', 'coordinator'], state: 'idle', ...of } as unknown as Heartbeat,
  heard_mono: NOW - agoMs,
})
const eligible = (of: Partial<EligibilityInput>): string[] | null => {
  const found = eligiblePeers({
    task: { kind: 'video', class: 'h264>x264/480p' },
    self: asPeerId('me'),
    capability,
    isOnlyCoordinator: false,
    ledForMs: 60_000,
    now: NOW,
    heard: [],
    connected: [],
    holders: [],
    ...of,
  })
  return found && [...found].sort()
}

describe('the eligible peers of a task are', () => {
  it('by the leader and everyone heard lately who could take it', () => {
    const others = [heard('a'), heard('b', { renditions: ['1080p'] }), heard('c', { roles: ['coordinator'] })]
    assert.deepEqual(eligible({ heard: others }), ['a', 'me'])
    assert.deepEqual(eligible({ heard: others, capability: null }), ['a'])
    assert.deepEqual(eligible({ heard: [heard('a', {}, 61_000)] }), ['me'])
  })

  it('unknown while the leader has just begun, or a peer is connected that it never heard', () => {
    assert.equal(eligible({ ledForMs: 4_000, heard: [heard('a')] }), null)
    assert.equal(eligible({ heard: [heard('a')], connected: [asPeerId('a'), asPeerId('stranger')] }), null)
  })

  it('by a leader that is alone only when it has been so for a while', () => {
    assert.equal(eligible({ ledForMs: 29_000 }), null)
    assert.deepEqual(eligible({ ledForMs: 31_000 }), ['me'])
    assert.deepEqual(eligible({ ledForMs: 6_000, capability: null, heard: [heard('a')] }), ['a'])
  })

  it('for a merge by a leader that no other can succeed, as in a run, at once', () => {
    const workers = [heard('a', { roles: ['worker'] })]
    const merge = {
      task: { kind: 'merge', class: 'merge' },
      capability: null,
      heard: workers,
      ledForMs: 6_000,
    } as const
    assert.equal(eligible(merge), null)
    assert.deepEqual(eligible({ ...merge, isOnlyCoordinator: true }), ['me'])
  })

  it('not by machines that are known to be bad', () => {
    const bad = [heard('a', { state: 'quarantined' }), heard('b', { state: 'self_test_failed' }), heard('c')]
    assert.deepEqual(eligible({ heard: bad }), ['c', 'me'])
  })

  it('for a merge those that may lead, for an ingest coordinators with the source', () => {
    const others = [heard('a'), heard('b', { roles: ['worker'] }), heard('c', { state: 'paused' })]
    assert.deepEqual(eligible({ task: { kind: 'merge', class: 'merge' }, heard: others }), ['a', 'me'])
    const ingest = { kind: 'ingest', class: 'ingest' } as const
    assert.deepEqual(eligible({ task: ingest, heard: others, holders: [asPeerId('b')] }), ['me'])
    assert.deepEqual(eligible({ task: ingest, heard: others, holders: [asPeerId('a')] }), ['a', 'me'])
  })
})

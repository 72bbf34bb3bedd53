import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { asPeerId } from '../../protocol/ids.ts'
import type { LaunchedWorker } from '../../protocol/launcher.ts'
import type { PeerRecord } from '../../protocol/ledger.ts'
import { WORKER_HEALTHY_MS, WORKER_VANISHED_MS } from '../../protocol/limits.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import {
  DRAIN_REASON,
  type Facts,
  hasFailed,
  isHealthy,
  noteFirstSeen,
  type SeenWorker,
  seeWorker,
  wasStartedAfter,
} from './observe-workers.ts'

const NOW = 1_000_000
const PEER = asPeerId('peer of auto-1')
const launched = (change: Partial<LaunchedWorker> = {}): LaunchedWorker => ({
  id: 'id 1',
  name: 'auto-1',
  rendition: 'all',
  reason: 'a long queue',
  state: 'running',
  life_ms: null,
  how: null,
  ...change,
})
const heardAt = (heard_mono: number, busy = 0): HeardPeer => ({
  peer: PEER,
  beat: { name: 'auto-1', busy } as Heartbeat,
  heard_mono,
})
const facts = (change: Partial<Facts> = {}): Facts => ({
  now: NOW,
  firstSeen: new Map([['id 1', NOW - 50_000]]),
  silenceFrom: 0,
  heard: [],
  present: new Set(),
  records: [],
  ...change,
})
const recordOf = (draining: boolean, reason: string | null): PeerRecord =>
  ({ _id: PEER, draining, reason }) as PeerRecord

const seen = (change: Partial<SeenWorker> = {}): SeenWorker => ({
  id: 'id 1',
  name: 'auto-1',
  state: 'running',
  life_ms: WORKER_HEALTHY_MS + 1,
  how: null,
  watched: true,
  peer: PEER,
  unheard_ms: 0,
  busy: 0,
  draining: null,
  ...change,
})

describe('a started worker', () => {
  test('is known by the name of its peer, with what that peer runs', () => {
    const worker = seeWorker(launched(), facts({ heard: [heardAt(NOW - 500, 1)], present: new Set([PEER]) }))
    assert.deepEqual(worker, seen({ life_ms: 50_000, busy: 1 }))
    assert.equal(seeWorker(launched({ name: 'auto-2' }), facts({ heard: [heardAt(NOW)] })).peer, null)
  })

  test('has run since it was first seen, or for as long as the engine says where it ended', () => {
    assert.equal(seeWorker(launched(), facts()).life_ms, 50_000)
    assert.equal(seeWorker(launched(), facts({ firstSeen: new Map() })).life_ms, 0)
    assert.equal(seeWorker(launched({ state: 'ended', life_ms: 7_000 }), facts()).life_ms, 7_000)
  })

  test('is unheard since its last heartbeat, or since it was started, but for no silence that does not count', () => {
    const cases: [string, Partial<Facts>, number][] = [
      ['heard 20 s ago', { heard: [heardAt(NOW - 20_000)] }, 20_000],
      ['never heard: since it was first seen', {}, 50_000],
      ['silence counts from 5 s ago', { heard: [heardAt(NOW - 20_000)], silenceFrom: NOW - 5_000 }, 5_000],
      ['never heard, and silence counts from 5 s ago', { silenceFrom: NOW - 5_000 }, 5_000],
      ['present, though its heartbeats are slow', { heard: [heardAt(NOW - 20_000)], present: new Set([PEER]) }, 0],
    ]
    for (const [what, change, unheard] of cases)
      assert.equal(seeWorker(launched(), facts(change)).unheard_ms, unheard, what)
  })

  test('drains as surplus by the reason that the fleet gives, and as asked for by any other', () => {
    const cases: [PeerRecord[], SeenWorker['draining']][] = [
      [[], null],
      [[recordOf(false, DRAIN_REASON)], null],
      [[recordOf(true, DRAIN_REASON)], 'surplus'],
      [[recordOf(true, 'draining')], 'asked'],
      [[recordOf(true, null)], 'asked'],
      [[{ ...recordOf(true, DRAIN_REASON), _id: asPeerId('another') }], null],
    ]
    for (const [records, draining] of cases)
      assert.equal(seeWorker(launched(), facts({ heard: [heardAt(NOW)], records })).draining, draining)
  })

  test('is first seen when it runs, remembered when it ended, and forgotten when it is gone', () => {
    const first = noteFirstSeen(new Map(), [launched(), launched({ id: 'id 2', state: 'ended' })], 1_000)
    assert.deepEqual([...first], [['id 1', 1_000]])
    const second = noteFirstSeen(first, [launched({ state: 'ended' }), launched({ id: 'id 3' })], 2_000)
    assert.deepEqual(
      [...second],
      [
        ['id 1', 1_000],
        ['id 3', 2_000],
      ],
    )
    assert.deepEqual([...noteFirstSeen(second, [launched({ id: 'id 3' })], 3_000)], [['id 3', 2_000]])
  })

  test('is healthy when it runs, is heard and has run for long enough', () => {
    const cases: [Partial<SeenWorker>, boolean][] = [
      [{}, true],
      [{ draining: 'surplus' }, true],
      [{ state: 'ended' }, false],
      [{ peer: null }, false],
      [{ unheard_ms: WORKER_VANISHED_MS }, false],
      [{ life_ms: WORKER_HEALTHY_MS }, false],
    ]
    for (const [change, healthy] of cases) assert.equal(isHealthy(seen(change)), healthy, JSON.stringify(change))
  })

  test('forgives a failure only when it is healthy and was started after it', () => {
    const startedAt = NOW - seen().life_ms
    assert.equal(wasStartedAfter(seen(), startedAt - 1, NOW), true)
    assert.equal(wasStartedAfter(seen(), startedAt, NOW), false)
    assert.equal(wasStartedAfter(seen({ peer: null }), startedAt - 1, NOW), false)
  })

  test('has failed when it ended soon after its start, or was watched and never joined, unless it was drained', () => {
    const soon = { state: 'ended', how: 'exit code 7', life_ms: WORKER_HEALTHY_MS - 1 } as const
    const cases: [Partial<SeenWorker>, boolean][] = [
      [soon, true],
      [{ ...soon, life_ms: WORKER_HEALTHY_MS }, false],
      [{ ...soon, draining: 'asked' }, false],
      [{ ...soon, draining: 'surplus' }, false],
      [{ peer: null }, true],
      [{ peer: null, watched: false }, false],
      [{ peer: null, state: 'ended', life_ms: WORKER_HEALTHY_MS }, true],
      [{ unheard_ms: WORKER_VANISHED_MS + 1 }, false],
    ]
    for (const [change, failed] of cases) assert.equal(hasFailed(seen(change)), failed, JSON.stringify(change))
  })
})

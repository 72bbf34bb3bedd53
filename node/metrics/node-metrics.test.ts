/** What the metrics of a node say of the calls that it makes to its ledger, and of its status. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSqliteLedger } from '../../ledger/sqlite/sqlite-ledger.ts'
import { asPeerId, asSha256, type PeerId, type Token, type VideoId } from '../../protocol/ids.ts'
import { LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import { systemRng as rng, systemClock } from '../host/system-clock.ts'
import { createNodeMetrics, type MetricSources } from './node-metrics.ts'
import { openMetrics } from './open-metrics.ts'

const ANN = asPeerId(`12D3KooW${'a'.repeat(44)}`)
const BOB = asPeerId(`12D3KooW${'b'.repeat(44)}`)
const VIDEO = '0123456789abcdef' as VideoId
const SHA = asSha256('a'.repeat(64))

test('where the node serves no HTTP nothing stands between it and its ledger', async () => {
  const adapters = { ledger: {} as never, clock: systemClock }
  assert.deepEqual(await openMetrics(false, adapters), { metrics: null, adapters })
  assert.equal((await openMetrics(false, adapters)).adapters.ledger, adapters.ledger)
})

test('claims, ends, reclaims, terms and events are counted as the ledger answers them, and no label names a peer or video', async (t) => {
  let now = 1e6
  const clock = { ...systemClock, now: () => now, mono: () => now }
  const real = createSqliteLedger({ path: ':memory:', clock, rng, log: silentLog })
  const { ledger, read, readFrom } = createNodeMetrics(real, { clock, version: '1.2.3' })
  await ledger.open()
  t.after(() => ledger.close())
  await ledger.submit({
    _id: VIDEO,
    name: 'film',
    recipe: DEFAULT_RECIPE,
    priority: 0,
    deadline: null,
    source: { sha256: SHA, bytes: 1, holders: [ANN] },
    delivery: null,
  })
  const { term } = await ledger.acquireLease(BOB, 'another')
  now += LEASE_MS + 700
  assert.equal((await ledger.acquireLease(ANN, 'mine')).term, term + 1)
  const chunk = (n: number) => ({
    _id: `${VIDEO}/720p/0000${n}` as never, kind: 'video' as const, class: 'c', video_id: VIDEO, chunk_id: n,
    resolution: '720p' as never, start_pts: 0, end_pts: 6_000, time_base: '1/1000', frames: 150,
    input: null, priority: 0, due: 0, rank: n,
  }) // biome-ignore format: one task
  await ledger.insertTasks([chunk(0), chunk(1), chunk(2)])
  const claim = async (worker: typeof ANN) => {
    const got = await ledger.claimNext({ worker, token: rng.token() as Token, classes: ['c'], from: 'pending' })
    assert.ok(got.outcome === 'claimed')
    return { task: got.task._id, attempt: got.attempt, worker }
  }
  const done = await claim(ANN)
  now += 2_000
  await ledger.complete({ ...done, output: { sha256: SHA, bytes: 1, holders: [ANN] } })
  await ledger.complete({ ...done, attempt: 9, output: null })
  const failed = await claim(ANN)
  await ledger.fail({ ...failed, code: 'encode_failed', message: 'no', log: null, strike: true, backoff_ms: 60_000 })
  await claim(BOB)
  now += 300
  const table = { get: () => ({ peer: BOB, beat: {} as never, heard_mono: now - 300 }), all: () => [] }
  const status = {
    peers: async () => [
      { self: true, state: 'working', heard_s: 0, speed: 2 },
      { self: false, state: 'working', heard_s: 60, speed: 0 },
      { self: false, state: 'leaving', heard_s: 60, speed: 0 },
    ],
    openVideos: async () => [
      { status: 'RUNNING', still: null, tasks: [{ resolution: '720p', status: 'PENDING', count: 2 }] },
      { status: 'QUEUED', still: { text: 'why' }, tasks: [] },
    ],
  }
  const store = { room: async () => ({ freeBytes: 5, totalBytes: 50 }) }
  let there: PeerId[] = [BOB]
  const connected = () => there
  readFrom({
    status,
    ledger: real,
    store,
    table,
    traffic: { sent: 7, received: 9 },
    connected,
  } as unknown as MetricSources)
  // An overdue claim of a peer that is there says nothing of the time of detection.
  await ledger.reclaim(await ledger.claimsOf(BOB), { term: term + 1, strike: null })
  await claim(BOB)
  there = []
  await ledger.reclaim(await ledger.claimsOf(BOB), { term: term + 1, strike: 'peer_died' })
  await ledger.addEvent({ what: 'reclaimed', peer: BOB, video: VIDEO, text: 'x' })
  await new Promise((resolve) => setImmediate(resolve))

  const { text, type } = await read()
  assert.match(type, /^application\/openmetrics-text; version=1\.0\.0/)
  for (const line of [
    'reelmesh_build{version="1.2.3"} 1',
    'reelmesh_claims_total{kind="video"} 4',
    'reelmesh_attempts_total{kind="video",end="completed",cause=""} 1',
    'reelmesh_attempts_total{kind="video",end="failed",cause="encode_failed"} 1',
    'reelmesh_attempt_duration_seconds_sum{kind="video",rendition="720p"} 2',
    'reelmesh_encoded_frames_total{rendition="720p"} 150',
    'reelmesh_encoded_source_seconds_total{rendition="720p"} 6',
    'reelmesh_reclaims_total 2',
    'reelmesh_blob_bytes_total{direction="sent"} 7',
    'reelmesh_blob_bytes_total{direction="received"} 9',
    'reelmesh_detection_seconds_count 1',
    'reelmesh_detection_seconds_sum 0.3',
    'reelmesh_failover_seconds_sum 5.7',
    'reelmesh_events_total{what="reclaimed"} 1',
    'reelmesh_ledger_call_duration_seconds_count{method="complete"} 2',
    'reelmesh_peers{state="lost"} 1',
    'reelmesh_peers{state="working"} 1',
    'reelmesh_encode_speed_ratio 2',
    'reelmesh_leader_known 1',
    'reelmesh_stuck_videos 1',
    'reelmesh_videos{status="QUEUED"} 1',
    'reelmesh_videos{status="RUNNING"} 0',
    'reelmesh_undelivered_videos 0',
    'reelmesh_tasks{rendition="720p",status="PENDING"} 2',
    'reelmesh_disk_free_bytes 5',
    'reelmesh_disk_size_bytes 50',
  ])
    assert.ok(text.split('\n').includes(line), `${line} in\n${text.replace(/^(?!reelmesh).*\n/gm, '')}`)
  assert.match(text, /^process_resident_memory_bytes \d+/m)
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m)
  for (const word of [VIDEO, ANN, BOB, 'film']) assert.ok(!text.includes(word), word)
})

test('what the ledger does not answer in time is absent, and all else is there', async () => {
  const fast = { ...systemClock, timer: (_: number, act: () => void) => systemClock.timer(5, act) }
  const { read, readFrom } = createNodeMetrics({} as never, { clock: fast, version: '1.2.3' })
  const late = Promise.withResolvers<never>()
  const ledger = { lease: () => late.promise, countVideos: async () => new Map([['QUEUED', 9]]) }
  const status = { peers: async () => [], openVideos: () => late.promise }
  const table = { all: () => [] }
  readFrom({ status, ledger, table, store: { room: () => late.promise } } as unknown as MetricSources)
  const { text } = await read()
  assert.match(text, /^reelmesh_videos\{status="QUEUED"\} 9$/m)
  assert.match(text, /^reelmesh_leader_known 0$/m)
  assert.doesNotMatch(text, /^reelmesh_(?:disk|stuck|tasks)/m)
})

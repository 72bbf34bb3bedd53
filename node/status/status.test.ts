/** The snapshot: who is shown for how long, what is held where, and what it says while the ledger is away. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { ANN, BOB, CAT, sha, submission } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { clockText } from '../../protocol/deadline-text.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { FORECASTS_NOTE, forecastsText } from '../../protocol/forecast.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { type Token, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS, SHOWN_MS, SHOWN_VIDEOS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import { statusSchema, taskRowSchema, videoDetailSchema } from '../../protocol/status.ts'
import { createPlanSource } from '../videos/plan-source.ts'
import { createProgressWatch } from './progress-watch.ts'
import { createStatus } from './status.ts'

const beatOf = (name: string, change: Partial<Heartbeat> = {}) =>
  ({
    name,
    host: name,
    roles: [],
    renditions: [],
    encoders: ['x264'],
    decoders: ['h264'],
    slots: 1,
    busy: 0,
    state: 'idle',
    load: 0,
    version: '0',
    ffmpeg: '8.1',
    running: [],
    ...change,
  }) as unknown as Heartbeat

function stage(ledger: Ledger = createLedgerModel({ now: () => 0, claimMs: CLAIM_MS, leaseMs: LEASE_MS })) {
  const at = { now: 0 }
  const heard: HeardPeer[] = []
  const status = createStatus({
    self: ANN,
    version: '0',
    ledger,
    clock: { now: () => at.now, mono: () => at.now, timer: () => () => {} } as unknown as Clock,
    table: { get: () => undefined, all: () => heard },
    plans: createPlanSource(ledger),
    own: () => beatOf('ann'),
    problems: () => new Map(),
    watch: createProgressWatch({ mono: () => at.now }),
    ledgerWatch: { unansweredMs: () => 40_000, outage: () => null },
    leads: () => false,
    reachable: () => [ANN, ...heard.map(({ peer }) => peer)],
  })
  return { at, heard, ledger, ...status }
}

test('who left is gone after a minute, who fell silent after a day', async () => {
  const { at, heard, snapshot } = stage()
  heard.push({ peer: BOB, beat: beatOf('bob', { state: 'leaving' }), heard_mono: 0 })
  heard.push({ peer: CAT, beat: beatOf('cat'), heard_mono: 0 })
  const names = async () => (await snapshot()).peers.map(({ name }) => name)
  at.now = SHOWN_MS.left - 1
  assert.deepEqual(await names(), ['ann', 'bob', 'cat'])
  at.now = SHOWN_MS.left
  assert.deepEqual(await names(), ['ann', 'cat'])
  at.now = SHOWN_MS.silent
  assert.deepEqual(await names(), ['ann'])
})

test('a submitter may leave once the source is on another machine that is here', async () => {
  const { at, heard, ledger, snapshot } = stage()
  const { video } = await ledger.submit(submission())
  heard.push({ peer: BOB, beat: beatOf('bob'), heard_mono: 0 })
  const held = async () => (await snapshot()).videos[0]?.held
  const only = { peers: [ANN], hosts: 1, may_leave: false, text: 'source only on ann: not replicated, keep it online' }
  assert.deepEqual(await held(), only)
  await ledger.addVideoHolder(video._id, sha('source'), BOB)
  const text = 'source replicated on ann, bob: the submitter can go offline'
  assert.deepEqual(await held(), { peers: [ANN, BOB], hosts: 2, may_leave: true, text })
  at.now = 3_600_000
  assert.deepEqual(await held(), only)
})

test('a video with a deadline is shown with what the leader has written about it, while it is open', async () => {
  const { at, ledger, snapshot } = stage()
  const { video } = await ledger.submit(submission({ deadline: 3_600_000 }))
  const shown = async () => {
    const [row] = (await snapshot()).videos
    return [row?.deadline, row?.forecast]
  }
  const nothing = { done_at: null, spare_s: null, more: null, like: null }
  const text = 'whether it holds is known once it is planned'
  assert.deepEqual(await shown(), [3_600_000, { ...nothing, text }])
  const known = forecastsText({ like: 'nas', videos: new Map([[video._id, { done_at: 1_200_000, more: 0 }]]) })
  await ledger.setNote({ lease: 'coordinator', key: FORECASTS_NOTE, text: known, term: 1 })
  const spare = `done about ${clockText(1_200_000, at.now)}, 40 min to spare`
  assert.deepEqual(await shown(), [
    3_600_000,
    { done_at: 1_200_000, spare_s: 2_400, more: 0, like: 'nas', text: spare },
  ])
  // What is written is about the earlier deadline: that no worker is wanted is not true of this one.
  await ledger.setDeadline(video._id, 1_000_000)
  assert.deepEqual(await shown(), [1_000_000, { ...nothing, text }])
  const late = forecastsText({ like: 'nas', videos: new Map([[video._id, { done_at: 1_200_000, more: 3 }]]) })
  await ledger.setNote({ lease: 'coordinator', key: FORECASTS_NOTE, text: late, term: 1 })
  assert.partialDeepStrictEqual((await shown())[1], { spare_s: -200, more: 3 })
  await ledger.setDeadline(video._id, 3_600_000)
  assert.partialDeepStrictEqual((await shown())[1], { spare_s: 2_400, more: 0 })
  await ledger.cancel(video._id)
  assert.deepEqual(await shown(), [3_600_000, null])
})

test('a task that failed is shown with its reason and the time of its next try, until that runs or the video is retried', async () => {
  const at = { now: 1_000_000 }
  const { heard, ledger, snapshot } = stage(
    createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS }),
  )
  heard.push({ peer: BOB, beat: beatOf('bob'), heard_mono: 0 })
  const { video } = await ledger.submit(submission())
  const [task] = await ledger.tasks({ video: video._id })
  const waiting = async () => (await snapshot()).videos[0]?.waiting
  const claim = async () =>
    assert.equal(
      (await ledger.claimTask({ worker: BOB, token: 'token' as Token, task: task!._id, from: 'pending' })).outcome,
      'claimed',
    )
  assert.equal(await waiting(), null)
  await claim()
  const failure = { code: 'encode_failed', message: 'no decoder', log: null, strike: true, backoff_ms: 2_500 } as const
  await ledger.fail({ task: task!._id, attempt: 1, worker: BOB, ...failure })
  const shown = { task: task!._id, code: 'encode_failed', reason: 'no decoder', worker: BOB, attempts: 1 }
  const next_try_at = at.now + 2_500
  const textOf = (when: string) => `ingest failed on bob, next try ${when}: no decoder`
  assert.deepEqual(await waiting(), { ...shown, next_try_at, text: textOf('in 3 s') })
  at.now = next_try_at
  assert.deepEqual(await waiting(), { ...shown, next_try_at, text: textOf('when a worker is free') })
  await claim()
  assert.equal(await waiting(), null)
  await ledger.cancel(video._id)
  assert.equal(await waiting(), null)
  await ledger.retry(video._id)
  at.now += 60_000
  assert.equal(await waiting(), null)
})

test('a video that failed before it was delivered does not stand still', async () => {
  const { at, ledger, snapshot } = stage()
  const delivery = { peer: ANN, dir: '/out', name: 'film' }
  const { video } = await ledger.submit(submission({ delivery }))
  const still = async () => (await snapshot()).videos.map((row) => [row.status, row.still?.code ?? null])
  await still()
  at.now += 60_000
  assert.deepEqual(await still(), [['QUEUED', 'no_leader']])
  await ledger.failVideo(video._id, 'its document does not fit', 1)
  assert.deepEqual(await still(), [['FAILED', null]])
})

test('engines are shown with what is wanted there, and why', async () => {
  const { heard, ledger, snapshot } = stage()
  heard.push({ peer: BOB, beat: beatOf('bob'), heard_mono: 0 })
  await ledger.addEnginePeer('engine', BOB)
  await ledger.setWanted('engine', { wanted: 2, reason: 'a queue', term: 1 })
  const text = '2 workers wanted: a queue'
  assert.deepEqual((await snapshot()).engines, [{ engine: 'engine', wanted: 2, reason: 'a queue', peers: [BOB], text }])
})

test('events are shown as they are in the ledger, also one of a code that only newer peers know', async () => {
  const { ledger, snapshot } = stage()
  await ledger.submit(submission())
  await ledger.addEvent({ what: 'teleported', peer: BOB, video: null, text: 'bob moved to Mars' })
  await createEmitter({ ledger, log: silentLog })({ code: 'leader', peer: ANN, name: 'ann', term: 7 })
  const { events, videos } = await snapshot()
  assert.deepEqual(events, [
    { n: 1, at: 0, what: 'teleported', peer: BOB, video: null, text: 'bob moved to Mars' },
    { n: 2, at: 0, what: 'leader', peer: ANN, video: null, text: 'ann leads, term 7' },
  ])
  assert.equal(videos.length, 1, 'the rest of the snapshot is there too')
})

test('while the ledger is unavailable the peers are shown without it', async () => {
  const model = createLedgerModel({ now: () => 0, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const { snapshot } = stage({ ...model, lease: () => Promise.reject(new LedgerUnavailable('it does not answer')) })
  const { ledger, peers, videos, engines, leader } = await snapshot()
  const text =
    'nothing can be claimed or recorded, for 40 s: it does not answer; encodes that run go on, and their results are held for 15 minutes; start the database again, or look at its disk and the network to it'
  const { description } = model
  assert.deepEqual(ledger, { description, away: 'it does not answer', since: -40_000, text })
  assert.deepEqual([peers.length, videos, engines, leader], [1, [], [], null])
})

test('what waits or is worked on is shown however much came after it, and anything by its id', async () => {
  const { ledger, snapshot, video: videoOf } = stage()
  const ids: VideoId[] = []
  for (let at = 0; at < SHOWN_VIDEOS.ended + 2; at++) {
    const { video } = await ledger.submit(submission({ _id: at.toString(16).padStart(16, '0') as VideoId }))
    ids.push(video._id)
  }
  const [waits, forgotten, ...later] = ids
  for (const id of [forgotten!, ...later]) await ledger.cancel(id)
  const shown = (await snapshot()).videos.map(({ id }) => id)
  assert.deepEqual(shown, [waits, ...later])
  assert.equal((await videoOf(forgotten!))?.status, 'CANCELLED')
  assert.equal(await videoOf('f'.repeat(16) as VideoId), null)
})

test('of a long queue it shows some, and how many more there are', async () => {
  const { ledger, snapshot } = stage()
  for (let at = 0; at < SHOWN_VIDEOS.queued + 3; at++)
    await ledger.submit(submission({ _id: at.toString(16).padStart(16, '0') as VideoId }))
  const { videos, unlisted } = await snapshot()
  assert.deepEqual([videos.length, unlisted], [SHOWN_VIDEOS.queued, { working: 0, queued: 3 }])
})

test('the tasks of videos that stand still are read together, again after a while, and at once where their number changed', async () => {
  const at = { now: 0 }
  const model = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  let reads = 0
  const tasks: Ledger['tasks'] = (query) => {
    if (query.videos !== undefined || query.video !== undefined) reads++
    return model.tasks(query)
  }
  const { at: mono, snapshot } = stage({ ...model, tasks })
  for (let n = 0; n < 16; n++) await model.submit(submission({ _id: n.toString(16).padStart(16, '0') as VideoId }))
  const readsAt = async (ms: number) => {
    at.now = ms
    mono.now = ms
    const before = reads
    await snapshot()
    return reads - before
  }
  await readsAt(0)
  const found: number[] = []
  for (let ms = 20_000; ms <= 32_500; ms += 2_500) found.push(await readsAt(ms))
  assert.deepEqual(found, [1, 0, 0, 0, 1, 0])
  await model.claimTask({
    worker: BOB,
    token: 'token' as Token,
    task: taskId('0'.repeat(16) as VideoId, 'ingest'),
    from: 'free',
  })
  assert.equal(await readsAt(35_000), 1)
})

test('what it answers is what the schemas of the API say, and nothing else', async () => {
  const { heard, ledger, snapshot, video: videoOf, tasks } = stage()
  heard.push({ peer: BOB, beat: beatOf('bob'), heard_mono: 0 })
  await ledger.addEnginePeer('docker', BOB)
  await createEmitter({ ledger, log: silentLog })({ code: 'leader', peer: ANN, name: 'ann', term: 1 })
  const { video } = await ledger.submit(submission({ delivery: { peer: ANN, dir: '/out', name: 'film' } }))
  const [task] = await ledger.tasks({ video: video._id })
  const claimed = await ledger.claimTask({ worker: BOB, token: 'token' as Token, task: task!._id, from: 'pending' })
  assert.equal(claimed.outcome, 'claimed')
  const [status, detail, rows] = [await snapshot(), await videoOf(video._id), await tasks(video._id)]
  assert.deepEqual(
    [status.videos.length, status.engines.length, status.events.length, rows[0]?.claims.length],
    [1, 1, 1, 1],
  )
  assert.deepEqual(statusSchema.parse(status), status)
  assert.deepEqual(videoDetailSchema.parse(detail), detail)
  assert.deepEqual(taskRowSchema.array().parse(rows), rows)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { plan, submission } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId } from '../../protocol/ids.ts'
import { ASSUMED_S, CLAIM_MS, LEASE_MS, SCALE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { FEW } from '../../protocol/pace.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { ScaleOptions, TermContext } from '../duty.ts'
import { createOpenVideos } from '../open-videos.ts'
import { createScale } from './scale.ts'

const [ANN, BOB] = [asPeerId('peer Ann'), asPeerId('peer Bob')]
const OPTIONS: ScaleOptions = { min: 0, max: 6, target_s: 5, cooldown_s: 60, own_slots: 0 }

function stage(change: Partial<ScaleOptions> = {}, own: readonly string[] = []) {
  const at = { now: 1_000_000 }
  const heard: HeardPeer[] = []
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const context = {
    self: ANN, ledger, log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: 3, hints: createHints(), clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: () => undefined, all: () => heard }, capability: { renditions: own },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const openVideos = createOpenVideos(context)
  const duty = createScale({ ...context, openVideos }, { ...OPTIONS, ...change })
  const hear = (name: string, beat: Partial<Heartbeat> = {}) => {
    const usual = { roles: ['worker'], slots: 1, state: 'idle', running: [], renditions: 'all' }
    const full = { name, ...usual, ...beat } as unknown as Heartbeat
    heard.push({ peer: asPeerId(`peer ${name}`), beat: full, heard_mono: at.now })
  }
  const round = async (ms = SCALE_MS) => {
    at.now += ms
    for (const one of heard) Object.assign(one, { heard_mono: at.now })
    await duty.round(new AbortController().signal)
  }
  const wanted = async () => Object.fromEntries((await ledger.engines()).map((engine) => [engine._id, engine.wanted]))
  return { ledger, hear, hints: context.hints, round, wanted }
}

/** A video of ten seconds, say, in the ledger with its plan: 480p only. */
async function film(ledger: ReturnType<typeof stage>['ledger']) {
  const { video } = await ledger.submit(submission())
  const made = plan(video._id)
  const renditions = made.renditions.map((each) => ({ ...each, class: `h264>x264/${each.id}` }))
  await ledger.commitPlan({ ...made, renditions }, 0)
  return video._id
}

test('nothing is wanted where no engine is reached, or only by peers that are gone', async () => {
  const { ledger, round, wanted } = stage({ min: 1 })
  await round()
  await ledger.addEnginePeer('far', BOB)
  await round()
  assert.deepEqual(await wanted(), { far: 0 })
})

test('a video whose length is not known yet wants one worker, with the reason in the record and an event', async () => {
  const { ledger, round, wanted } = stage()
  await ledger.addEnginePeer('engine', ANN)
  await ledger.submit(submission())
  await round()
  assert.deepEqual(await wanted(), { engine: 1 })
  assert.equal((await ledger.engines())[0]?.reason, '1 video not yet planned in 5 s takes 1')
  const [event] = await ledger.events(1)
  assert.deepEqual([event?.what, event?.text], ['scaled', 'workers 0 → 1: 1 video not yet planned in 5 s takes 1'])
})

test('waiting work wants workers, spread over the engines that are reached; ended, they go after the cooldown', async () => {
  const { ledger, hear, round, wanted } = stage()
  hear('coordinator', { roles: ['coordinator'], slots: 0 })
  await ledger.addEnginePeer('east', ANN)
  await ledger.addEnginePeer('west', asPeerId('peer coordinator'))
  const id = await film(ledger)
  await round()
  const { east, west } = await wanted()
  assert.ok(east! + west! > 0 && Math.abs(east! - west!) <= 1, `${east} and ${west}`)
  await ledger.cancel(id)
  await round()
  assert.deepEqual(await wanted(), { east, west })
  await round(OPTIONS.cooldown_s * 1000)
  assert.deepEqual(await wanted(), { east: 0, west: 0 })
})

test('a codec that is slow by what peers have measured themselves wants more workers, before this one has seen an encode', async () => {
  const wantedAt = async (speeds: Heartbeat['speeds']) => {
    const { ledger, hear, round, wanted } = stage({ max: 100 })
    await ledger.addEnginePeer('engine', ANN)
    hear('paused', { state: 'paused', ...(speeds && { speeds }) })
    await film(ledger)
    await round()
    return (await wanted())['engine']!
  }
  const assumed = await wantedAt(undefined)
  assert.ok((await wantedAt({ 'x264/medium': 10 * ASSUMED_S })) > 5 * assumed)
  assert.equal(await wantedAt({ 'svtav1/8': 10 * ASSUMED_S }), assumed)
})

test('workers that people started count, those that the mesh started and those that take no work do not', async () => {
  const { ledger, hear, round, wanted } = stage()
  await ledger.addEnginePeer('engine', ANN)
  await ledger.submit(submission())
  hear('auto-00000000')
  hear('away', { state: 'paused' })
  await round()
  assert.deepEqual(await wanted(), { engine: 1 })
  const other = stage()
  await other.ledger.addEnginePeer('engine', ANN)
  await other.ledger.submit(submission())
  other.hear('static')
  await other.round()
  assert.deepEqual(await other.wanted(), { engine: 0 })
})

test('workers that people started count for what they encode, this very peer too: what none of them does is not waited for', async () => {
  for (const renditions of [['720p', '1080p'], ['480p']] as const) {
    const { ledger, hear, round, wanted } = stage({ own_slots: 50 }, renditions)
    await ledger.addEnginePeer('engine', ANN)
    hear('static', { slots: 50, renditions: [...renditions] })
    await film(ledger)
    await round()
    const { engine } = await wanted()
    assert.equal(engine! > 0, renditions[0] !== '480p', `${engine} wanted beside ${renditions}`)
  }
})

test('the share of an engine that its peers left goes to the others', async () => {
  const { ledger, hear, round, wanted } = stage({ min: 2 })
  hear('coordinator', { roles: ['coordinator'], slots: 0 })
  await ledger.addEnginePeer('east', ANN)
  await ledger.addEnginePeer('west', asPeerId('peer coordinator'))
  await round()
  assert.deepEqual(await wanted(), { east: 1, west: 1 })
  await ledger.removeEnginePeer('east', ANN)
  await round()
  assert.deepEqual(await wanted(), { east: 0, west: 2 })
})

test('an engine that comes later takes its share, and the event has no change of the number', async () => {
  const { ledger, hear, round, wanted } = stage({ min: 2 })
  hear('coordinator', { roles: ['coordinator'], slots: 0 })
  await ledger.addEnginePeer('east', ANN)
  await round()
  assert.deepEqual(await wanted(), { east: 2 })
  await ledger.addEnginePeer('west', asPeerId('peer coordinator'))
  await round()
  assert.deepEqual(await wanted(), { east: 1, west: 1 })
  assert.match((await ledger.events(1))[0]?.text ?? '', /^workers 2, shared by 2 engines now: nothing waits/)
})

test('a deadline wants the workers that the work before it needs, with the reason', async () => {
  const { ledger, round, wanted } = stage({ target_s: 100_000, max: 50 })
  await ledger.addEnginePeer('engine', ANN)
  const { video } = await ledger.submit(submission())
  await ledger.commitPlan(plan(video._id, { chunks: 600 }), 0)
  await round()
  assert.deepEqual(await wanted(), { engine: 1 })
  await ledger.setDeadline(video._id, (await ledger.now()) + 600_000)
  await round()
  assert.ok((await wanted()).engine! > 1)
  assert.match((await ledger.engines())[0]!.reason!, /^.* of work before a deadline in 10 min takes \d+$/)
})

test('of a long queue only the videos that changed are read again: one that ended needs no worker any more', async () => {
  const { ledger, hear, hints, round, wanted } = stage({ cooldown_s: 0 })
  await ledger.addEnginePeer('engine', ANN)
  hear('Bob')
  const films = []
  for (let n = 0; n <= 2 * FEW; n++) films.push(await film(ledger))
  await round()
  assert.deepEqual(await wanted(), { engine: 6 })
  const read: number[] = []
  const { videos } = ledger
  ledger.videos = async (query) => {
    const found = await videos(query)
    read.push(found.length)
    return found
  }
  for (const id of films) {
    await ledger.cancel(id)
    hints.publish({ what: 'video', video: id })
  }
  await round(SCALE_MS / 5)
  await round(SCALE_MS)
  assert.deepEqual([read, await wanted()], [[0], { engine: 0 }])
})

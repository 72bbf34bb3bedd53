/** What a leader does about claims of those who are not there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { ANN, BOB, CAT, claim, output, pendingTask, theTask } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { createHints } from '../../protocol/hints.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { SuspicionEvents, SuspicionSource } from '../../protocol/suspicions.ts'
import { createLife } from '../../testing/simulation/life.ts'
import { createScheduler } from '../../testing/simulation/virtual-time.ts'
import type { TermContext } from '../duty.ts'
import { createReclaim } from './reclaim.ts'

const TERM = 2
/** Since the last heartbeat of the leader before this one: its lease had to run out first. */
const SILENT_MS = LEASE_MS

test('it reclaims at once from the leader before it, whose loss it saw, and waits for peers that it has not met', async () => {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const ofTheOld = await claim(ledger, await pendingTask(ledger), BOB)
  const ofUnknown = await claim(ledger, await pendingTask(ledger), CAT)
  const old = { beat: { state: 'idle', name: 'Bob' } as Heartbeat, heard_mono: at.now - SILENT_MS }
  const context = {
    self: ANN, ledger, log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: TERM, hints: createHints(), stepDown: () => {}, connected: () => [],
    clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: (peer: string) => (peer === BOB ? old : undefined), all: () => [{ peer: BOB, ...old }] },
    suspicions: {
      reportsOf: (peer: string) => (peer === BOB ? [SILENT_MS] : []),
      sawLost: (peer: string) => (peer === BOB ? 'closed' : null),
      stalledAgoMs: () => null,
      listen: () => () => {},
    },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createReclaim(context)
  const { signal } = new AbortController()

  await duty.round(signal)
  assert.equal((await theTask(ledger, ofTheOld._id)).status, 'PENDING')
  assert.equal((await theTask(ledger, ofUnknown._id)).status, 'PROCESSING')
  for (let passed = 0; passed < 12_000; passed += 500) {
    at.now += 500
    await duty.round(signal)
  }
  assert.equal((await theTask(ledger, ofUnknown._id)).status, 'PENDING')
})

/** A leader whose connection to Bob closes while Bob goes on with the ledger; `meanwhile` is called while it waits for a word of him. */
function stage() {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const bob = { beat: { state: 'working', name: 'Bob' } as Heartbeat, heard_mono: at.now }
  /** `reports`: ms since others saw the loss. */
  const link = { isCut: true, reports: [] as number[], meanwhile: async () => {} }
  const sleep = async (ms: number) => {
    at.now += ms
    const { meanwhile } = link
    link.meanwhile = async () => {}
    await meanwhile()
  }
  const timer = (ms: number, act: () => void) => {
    void sleep(ms).then(act)
    return () => {}
  }
  const context = {
    self: ANN, ledger, log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: TERM, hints: createHints(), stepDown: () => {},
    connected: () => (link.isCut ? [] : [BOB]),
    clock: { mono: () => at.now, now: () => at.now, sleep, timer } as unknown as Clock,
    peers: { get: (peer: string) => (peer === BOB ? bob : undefined), all: () => [{ peer: BOB, ...bob }] },
    suspicions: { reportsOf: () => link.reports, sawLost: () => (link.isCut ? 'closed' : null), stalledAgoMs: () => null, listen: () => () => {} },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createReclaim(context)
  const { signal } = new AbortController()
  const round = async (ms: number) => {
    at.now += ms
    await duty.round(signal)
  }
  const hear = (beat: Partial<Heartbeat> = {}) =>
    Object.assign(bob, { heard_mono: at.now, beat: { ...bob.beat, ...beat } })
  const held = async () => await claim(ledger, await pendingTask(ledger), BOB)
  return { ledger, link, hear, held, round, lose: () => duty.lost(BOB, 'closed', signal) }
}

test('it reclaims what a lost peer held when its connection closed, and nothing that the peer claimed or renewed since', async () => {
  const { ledger, link, held, lose } = stage()
  const [left, done, renewed] = [await held(), await held(), await held()]
  let next = left
  link.meanwhile = async () => {
    await ledger.complete({ task: done._id, attempt: done.attempt, worker: BOB, output: output('done') })
    await ledger.renew(BOB, [{ task: renewed._id, attempt: renewed.attempt }])
    next = await held()
  }
  await lose()
  assert.notEqual(next._id, left._id)
  const now = (id: typeof left._id) => theTask(ledger, id)
  assert.deepEqual([(await now(left._id)).status, (await now(left._id)).strikes.length], ['PENDING', 1])
  assert.deepEqual([(await now(done._id)).status, (await now(done._id)).strikes.length], ['COMPLETED', 0])
  for (const { _id } of [renewed, next])
    assert.deepEqual([(await now(_id)).status, (await now(_id)).strikes.length], ['PROCESSING', 0])
})

test('where others saw the connection close too, it reclaims what was claimed in that moment, unless the peer is heard again', async () => {
  for (const isAlive of [false, true]) {
    const { ledger, link, hear, held, lose } = stage()
    link.reports = [10, 10]
    const first = await held()
    let late = first
    link.meanwhile = async () => {
      assert.equal((await theTask(ledger, first._id)).status, 'PENDING')
      late = await held()
      if (isAlive) hear()
    }
    await lose()
    assert.notDeepEqual([late._id, late.attempt], [first._id, first.attempt])
    assert.equal((await theTask(ledger, late._id)).status, isAlive ? 'PROCESSING' : 'PENDING')
  }
})

test('who leaves and still ends what it runs is lost like others; once it runs nothing it is gone at once', async () => {
  const { ledger, link, hear, held, lose, round } = stage()
  const task = await held()
  hear({ state: 'leaving', running: [{ task: task._id, attempt: 1, done: 0.5, speed: 1 }] })
  link.meanwhile = async () => {
    hear()
  }
  await lose()
  hear()
  await round(500)
  assert.equal((await theTask(ledger, task._id)).status, 'PROCESSING')
  hear({ running: [] })
  await lose()
  assert.equal((await theTask(ledger, task._id)).status, 'PENDING')
})

test('its rounds leave a suspect what it claims, until it was heard and is lost again', async () => {
  const { ledger, link, hear, held, round } = stage()
  const first = await held()
  await round(3_000)
  assert.equal((await theTask(ledger, first._id)).status, 'PENDING')
  const second = await held()
  for (let rounds = 0; rounds < 10; rounds++) await round(500)
  assert.equal((await theTask(ledger, second._id)).status, 'PROCESSING')

  link.isCut = false
  hear()
  await round(500)
  link.isCut = true
  await round(3_000)
  assert.equal((await theTask(ledger, second._id)).status, 'PENDING')
})

test('a silent peer that stays connected is suspected again when its connection closes', async () => {
  const { ledger, link, held, round, lose } = stage()
  link.isCut = false
  const first = await held()
  await round(12_000)
  assert.equal((await theTask(ledger, first._id)).status, 'PENDING')
  const second = await held()
  await round(500)
  assert.equal((await theTask(ledger, second._id)).status, 'PROCESSING')
  link.isCut = true
  await lose()
  assert.equal((await theTask(ledger, second._id)).status, 'PENDING')
})

test('it waits for events about the suspect: a report of another confirms the loss at once, a heartbeat refutes it at once', async () => {
  for (const isReported of [true, false]) {
    const scheduler = createScheduler()
    const { clock } = createLife(scheduler)
    const ledger = createLedgerModel({ now: clock.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
    const task = await claim(ledger, await pendingTask(ledger), BOB)
    const bob = { beat: { state: 'working', name: 'Bob' } as Heartbeat, heard_mono: clock.mono() }
    let reports: number[] = []
    const listeners = new Set<SuspicionEvents>()
    const suspicions: SuspicionSource = {
      reportsOf: () => reports,
      sawLost: () => 'closed',
      stalledAgoMs: () => null,
      listen: (events) => {
        listeners.add(events)
        return () => listeners.delete(events)
      },
    }
    const context = {
      self: ANN, ledger, log: silentLog, term: TERM, hints: createHints(), emit: async () => {}, stepDown: () => {}, connected: () => [],
      clock, peers: { get: () => bob, all: () => [{ peer: BOB, ...bob }] }, suspicions,
    } as unknown as TermContext // biome-ignore format: what the duty uses of it
    const ended = createReclaim(context)
      .lost(BOB, 'closed', new AbortController().signal)
      .then(() => clock.mono())
    const lostAt = clock.mono()
    clock.timer(300, () => {
      if (isReported) reports = [10, 10]
      else Object.assign(bob, { heard_mono: clock.mono() })
      for (const { onChange } of listeners) onChange?.(BOB)
    })
    scheduler.after(5_000, () => {})
    await scheduler.run({ untilMs: scheduler.now() + 5_000, isOver: () => false })
    assert.equal((await theTask(ledger, task._id)).status, isReported ? 'PENDING' : 'PROCESSING')
    assert.ok((await ended) - lostAt <= 500, 'long before the time in which a peer may refute has passed')
    assert.equal(listeners.size, 0)
  }
})

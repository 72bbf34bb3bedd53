import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asPeerId } from '../../protocol/ids.ts'
import { SCALE_MS, WORKER_JOIN_MS, WORKER_VANISHED_MS } from '../../protocol/limits.ts'
import type { SeenWorker } from './observe-workers.ts'
import { decideRound, planEngine, type RoundView } from './plan-engine.ts'

const worker = (n: number, change: Partial<SeenWorker> = {}): SeenWorker => ({
  id: `id ${n}`,
  name: `auto-${n}`,
  state: 'running',
  life_ms: 60_000,
  how: null,
  watched: true,
  peer: asPeerId(`peer ${n}`),
  unheard_ms: 500,
  busy: 0,
  draining: null,
  ...change,
})
const stepsOf = (wanted: number, workers: readonly SeenWorker[]) =>
  planEngine(wanted, workers).map((step) =>
    step.do === 'start' ? `start ${step.count}` : `${step.do} ${step.worker.name}`,
  )

test('what is missing is started, what is enough is left alone', () => {
  assert.deepEqual(stepsOf(2, []), ['start 2'])
  assert.deepEqual(stepsOf(2, [worker(1)]), ['start 1'])
  assert.deepEqual(stepsOf(2, [worker(1), worker(2, { peer: null })]), [])
})

test('too many: those that drain already count first, then idle ones go, then busy ones', () => {
  const workers = [worker(1, { busy: 1 }), worker(2), worker(3, { busy: 1, draining: 'surplus' })]
  assert.deepEqual(stepsOf(2, workers), [])
  assert.deepEqual(stepsOf(1, workers), ['drain auto-2'])
  assert.deepEqual(stepsOf(0, workers), ['drain auto-2', 'drain auto-1'])
})

test('more wanted again: a draining worker is kept and none is started', () => {
  assert.deepEqual(stepsOf(1, [worker(1, { draining: 'surplus', busy: 1 })]), ['keep auto-1'])
})

test('a worker that a person drains is not kept: it counts as the first to go, ends, and is replaced then', () => {
  assert.deepEqual(stepsOf(1, [worker(1, { draining: 'asked', busy: 1 })]), [])
  assert.deepEqual(stepsOf(1, [worker(1, { draining: 'asked', busy: 1 }), worker(2)]), [])
  assert.deepEqual(stepsOf(1, [worker(1, { draining: 'asked', state: 'ended' })]), ['remove auto-1', 'start 1'])
})

test('of two that drain, the one that a person drains is the surplus, and the other is kept', () => {
  const workers = [worker(1, { draining: 'surplus' }), worker(2, { draining: 'asked', busy: 1 })]
  assert.deepEqual(stepsOf(1, workers), ['keep auto-1'])
})

test('a worker that has not joined is not drained but waited for, and removed if it never joins', () => {
  assert.deepEqual(stepsOf(0, [worker(1, { peer: null, unheard_ms: 3_000 })]), [])
  const [step] = planEngine(0, [worker(1, { peer: null, unheard_ms: WORKER_JOIN_MS + 1 })])
  assert.equal(step?.do === 'remove' && step.why, 'it did not join the mesh in 120 s')
})

test('ended and vanished workers are removed, with why, and replaced at once', () => {
  const workers = [worker(1, { state: 'ended', how: 'exit code 7' }), worker(2, { unheard_ms: WORKER_VANISHED_MS + 1 })]
  assert.deepEqual(stepsOf(2, workers), ['remove auto-1', 'remove auto-2', 'start 2'])
  const [step] = planEngine(1, workers)
  assert.equal(step?.do === 'remove' && step.why, 'it ended: exit code 7')
})

test('a round runs at most `max`, drains no worker before the leader knows of the engine, and detects when nothing is left to do', () => {
  const round: RoundView = { wanted: 1, max: 3, workers: [worker(1)], counted_ms: 2 * SCALE_MS }
  const cases: [string, Partial<RoundView>, string[], boolean, boolean][] = [
    ['as many as wanted', {}, [], false, true],
    ['none wanted', { wanted: 0, workers: [] }, [], false, false],
    ['one missing', { workers: [] }, ['start'], false, false],
    ['more wanted than may run', { wanted: 9, workers: [worker(1), worker(2)] }, ['start'], true, false],
    ['as many as may run', { wanted: 9, max: 1 }, [], true, true],
    ['too many', { wanted: 0 }, ['drain'], false, false],
    ['too many, and not counted on yet', { wanted: 0, counted_ms: 2 * SCALE_MS - 1 }, [], false, false],
    ['too many of those that were counted on before', { wanted: 1, workers: [worker(1), worker(2)], counted_ms: 0 }, [], false, false],
    ['ended, and not counted on yet', { wanted: 0, workers: [worker(1, { state: 'ended' })], counted_ms: 0 }, ['remove'], false, false],
  ] // biome-ignore format: a table
  for (const [what, change, steps, isCapped, isSatisfied] of cases) {
    const decision = decideRound({ ...round, ...change })
    assert.deepEqual(
      [decision.steps.map((step) => step.do), decision.isCapped, decision.isSatisfied],
      [steps, isCapped, isSatisfied],
      what,
    )
  }
  const [step] = decideRound({ ...round, wanted: 9, workers: [] }).steps
  assert.equal(step?.do === 'start' && step.count, 3)
})

const workers = fc.array(
  fc.record({
    state: fc.constantFrom('running' as const, 'ended' as const),
    joined: fc.boolean(),
    unheard_ms: fc.nat(2 * WORKER_JOIN_MS),
    busy: fc.nat(1),
    draining: fc.constantFrom('surplus' as const, 'asked' as const, null),
  }),
  { maxLength: 12 },
).map((all) => all.map(({ joined, ...one }, n) => worker(n, { ...one, ...(joined ? {} : { peer: null }) }))) // biome-ignore format: a list

test('a running worker that was heard is never removed, and only surplus ones are drained', () => {
  fc.assert(fc.property(fc.nat(15), workers, (wanted, seen) => {
    const steps = planEngine(wanted, seen)
    const removed = steps.flatMap((step) => (step.do === 'remove' ? [step.worker] : []))
    for (const one of removed) assert.ok(one.state === 'ended' || one.unheard_ms > WORKER_VANISHED_MS)
    const alive = seen.filter((one) => !removed.includes(one))
    const asked = alive.filter((one) => one.draining === 'asked' && one.peer !== null).length
    for (const step of steps) if (step.do === 'keep') assert.equal(step.worker.draining, 'surplus')
    const kept = steps.filter((step) => step.do === 'keep').length
    const draining = alive.filter((one) => one.draining !== null && one.peer !== null).length - kept + steps.filter((step) => step.do === 'drain').length
    assert.ok(draining <= Math.max(asked, alive.length - wanted))
    const started = steps.reduce((sum, step) => sum + (step.do === 'start' ? step.count : 0), 0)
    assert.equal(started, Math.max(0, wanted - alive.length))
  })) // biome-ignore format: one property
})

test('applied repeatedly, the steps make the engine run what is wanted, and then there are none', () => {
  fc.assert(fc.property(fc.nat(15), workers, (wanted, seen) => {
    let now = seen
    let born = 100
    for (let round = 0; round < 6; round++) {
      const steps = planEngine(wanted, now)
      for (const step of steps) {
        if (step.do === 'remove') now = now.filter((one) => one.id !== step.worker.id)
        if (step.do === 'drain') now = now.map((one) => (one.id === step.worker.id ? { ...one, draining: 'surplus' } : one))
        if (step.do === 'keep') now = now.map((one) => (one.id === step.worker.id ? { ...one, draining: null } : one))
        if (step.do === 'start') now = [...now, ...Array.from({ length: step.count }, () => worker(born++))]
      }
      // Time passes: those that drain end, those that had not joined do.
      now = now.map((one) => (one.draining ? { ...one, state: 'ended' } : { ...one, peer: one.peer ?? asPeerId(`late ${one.id}`), unheard_ms: 0 }))
    }
    assert.deepEqual(planEngine(wanted, now), [])
    assert.equal(now.length, wanted)
  })) // biome-ignore format: one property
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { pickBackups, type RunningAttemptView, remaining, type StragglerInput } from './straggler.ts'

const peer = (name: string) => name as PeerId
const attempt = (of: Partial<RunningAttemptView> & { name: string }): RunningAttemptView => ({
  task: of.name as TaskId,
  attempt: 1,
  worker: peer('slow'),
  slot: of.name,
  elapsedMs: 20_000,
  done: 0.1,
  isUnlisted: false,
  freshMs: 10_000,
  isBackup: false,
  isBacked: false,
  ...of,
})
const input = (of: Partial<StragglerInput>): StragglerInput => ({
  running: [],
  idle: new Map([[peer('fast'), 1]]),
  slots: 2,
  pending: 0,
  ...of,
})
const names = (of: Partial<StragglerInput>) => pickBackups(input(of)).map(({ task }) => task)

describe('the straggler policy', () => {
  test('wants a backup for every task of a slow slot, with the reason', () => {
    const running = [attempt({ name: 'a', slot: 's' }), attempt({ name: 'b', slot: 's' })]
    assert.deepEqual(names({ running }), ['a', 'b'])
    assert.equal(pickBackups(input({ running }))[0]?.reason, '180 s left, a new attempt takes 10 s')
  })

  test('leaves alone what ends soon, has just begun, is backed already, or has no measure', () => {
    const fine: Partial<RunningAttemptView>[] = [
      { done: 0.6 },
      { elapsedMs: 1_000, done: 0.03 },
      { isBacked: true },
      { freshMs: null },
    ]
    for (const [at, of] of fine.entries())
      assert.deepEqual(names({ running: [attempt({ name: `t${at}`, ...of })] }), [], JSON.stringify(of))
  })

  test('counts an attempt without any progress in twice the fresh time as one that never ends', () => {
    assert.equal(remaining(attempt({ name: 'a', done: null, elapsedMs: 20_001 })), Number.POSITIVE_INFINITY)
    assert.deepEqual(names({ running: [attempt({ name: 'a', done: 0, elapsedMs: 30_000 })] }), ['a'])
  })

  test('counts no attempt as late that a heartbeat did not list', () => {
    const running = [attempt({ name: 'a', done: null, isUnlisted: true, elapsedMs: 60_000 })]
    assert.deepEqual(names({ running }), [])
    assert.deepEqual(names({ running: [...running, attempt({ name: 'b', slot: 'a', done: 0.1 })] }), ['a', 'b'])
  })

  test('counts an attempt as late by the clock alone, whatever is said of it, but no backup, whose time is not known', () => {
    const told: Partial<RunningAttemptView>[] = [{ done: 0.9999 }, { done: null, isUnlisted: true }, { done: 1 }]
    for (const of of told) {
      const running = (elapsedMs: number) => [attempt({ name: 'a', ...of, elapsedMs })]
      assert.deepEqual(names({ running: running(60_000) }), [], JSON.stringify(of))
      assert.deepEqual(names({ running: running(60_001) }), ['a'], JSON.stringify(of))
      assert.deepEqual(names({ running: [attempt({ name: 'a', ...of, elapsedMs: 60_001, isBackup: true })] }), [])
    }
    const [late] = pickBackups(input({ running: [attempt({ name: 'a', done: 0.9999, elapsedMs: 36_000_000 })] }))
    assert.equal(late?.reason, 'it runs for 36000 s, a new attempt takes 10 s')
  })

  test('takes the longest remaining first, no more than there are idle slots', () => {
    const running = [attempt({ name: 'late', done: 0.2 }), attempt({ name: 'later', done: 0.1 })]
    assert.deepEqual(names({ running }), ['later'])
  })

  test('never counts on idle slots of the slow worker itself', () => {
    assert.deepEqual(names({ running: [attempt({ name: 'a' })], idle: new Map([[peer('slow'), 3]]) }), [])
  })

  test('spends at most a tenth of the slots while other work waits, and at least one', () => {
    const running = Array.from({ length: 8 }, (_, at) => attempt({ name: `t${at}` }))
    const idle = new Map([[peer('fast'), 8]])
    assert.equal(names({ running, idle, slots: 30, pending: 5 }).length, 3)
    assert.equal(names({ running, idle, slots: 4, pending: 5 }).length, 1)
    assert.equal(names({ running, idle, slots: 4, pending: 0 }).length, 8)
  })

  test('more progress never makes an attempt look later', () => {
    const share = fc.double({ min: 0.02, max: 1, noNaN: true })
    fc.assert(
      fc.property(share, share, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        return remaining(attempt({ name: 'x', done: more })) <= remaining(attempt({ name: 'x', done: less }))
      }),
    )
  })
})

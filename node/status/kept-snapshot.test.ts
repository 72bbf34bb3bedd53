/** Who is answered with which snapshot. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHints } from '../../protocol/hints.ts'
import { createKeptSnapshot } from './kept-snapshot.ts'

/** Snapshots are numbers from 1; each is made when `finish` is called. */
function stage() {
  const at = { now: 0 }
  const hints = createHints()
  const made: { resolve(): void; reject(error: Error): void }[] = []
  const make = () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const n = made.length + 1
    made.push({ resolve: () => resolve(n), reject })
    return promise
  }
  const timers: (() => void)[] = []
  const timer = (_ms: number, act: () => void) => {
    timers.push(act)
    return () => {}
  }
  const answer = createKeptSnapshot(make, { clock: { mono: () => at.now, timer }, hints })
  const renew = () => timers.shift()?.()
  const finish = () => made.at(-1)?.resolve()
  const changed = () => hints.publish({ what: 'video', video: null })
  /** The answer to one who asks now, where it needs no other snapshot than is made now. */
  const asked = () => {
    const answered = answer()
    finish()
    return answered
  }
  return { at, made, hints, answer, finish, asked, changed, renew }
}

test('those who ask while a snapshot is made, and shortly after, get the same one', async () => {
  const { at, made, answer, finish } = stage()
  const both = [answer(), answer()]
  finish()
  assert.deepEqual(await Promise.all(both), [1, 1])
  at.now = 499
  assert.equal(await answer(), 1)
  assert.equal(made.length, 1)
})

test('one that is not so new is answered at once, and another is made behind that for those who ask next', async () => {
  const { at, made, answer, finish, renew } = stage()
  const first = answer()
  finish()
  assert.equal(await first, 1)
  at.now = 500
  assert.deepEqual([await answer(), await answer(), made.length], [1, 1, 1])
  renew()
  renew()
  assert.equal(made.length, 2)
  finish()
  await Promise.resolve()
  at.now = 999
  assert.equal(await answer(), 2)
  assert.equal(made.length, 2)
})

test('an old one is not answered', async () => {
  const { at, asked } = stage()
  assert.equal(await asked(), 1)
  at.now = 1_000
  assert.equal(await asked(), 2)
})

test('what has changed is in the next answer, also where a snapshot was being made meanwhile', async () => {
  const { made, answer, finish, asked, changed } = stage()
  assert.equal(await asked(), 1)
  changed()
  const before = answer()
  changed()
  const after = [answer(), answer()]
  finish()
  assert.equal(await before, 2)
  await Promise.resolve()
  finish()
  assert.deepEqual(await Promise.all(after), [3, 3])
  assert.equal(await answer(), 3)
  assert.equal(made.length, 3)
})

test('hints of tasks, which come all the time, have none made', async () => {
  const { hints, asked, made } = stage()
  await asked()
  for (const what of ['tasks', 'decided', 'copy'] as const) hints.publish({ what, video: null })
  assert.deepEqual([await asked(), made.length], [1, 1])
})

test('where it cannot be made those who wait are told, and the next one is made anew', async () => {
  const { at, made, answer, asked, changed, renew } = stage()
  const failing = answer()
  changed()
  const waiting = answer()
  made[0]?.reject(new Error('no'))
  await assert.rejects(failing, /no/)
  await Promise.resolve()
  made[1]?.resolve()
  assert.equal(await waiting, 2)
  at.now = 600
  assert.equal(await answer(), 2)
  renew()
  made[2]?.reject(new Error('unheard'))
  await Promise.resolve()
  at.now = 1_000
  assert.equal(await asked(), 4)
})

/** What requests read of a ledger that does not answer, or that takes long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import type { NodeFace } from '../face.ts'
import { faceInTime } from './reads-in-time.ts'

/** A face whose ledger answers when the test says so, and timers that fire when it says so. */
function stage() {
  const timers = new Map<() => void, number>()
  const timer: Clock['timer'] = (ms, act) => {
    timers.set(act, ms)
    return () => timers.delete(act)
  }
  /** Fires what is due, once all that waits has got there. */
  const fire = async () => {
    await new Promise(setImmediate)
    const due = [...timers]
    timers.clear()
    for (const [act] of due) act()
    await new Promise(setImmediate)
    return due.map(([, ms]) => ms)
  }
  const asked: [name: string, given: unknown[], answer: PromiseWithResolvers<unknown>][] = []
  const answering =
    (name: string) =>
    (...given: unknown[]) => {
      const answer = Promise.withResolvers<unknown>()
      asked.push([name, given, answer])
      return answer.promise
    }
  const ledger = {
    description: 'MongoDB there',
    lease: answering('lease'),
    tasks: answering('tasks'),
    cancel: answering('cancel'),
  }
  const face = { ledger, video: answering('video'), submit: answering('submit') }
  const answer = (name: string) => asked.find(([each]) => each === name)![2]
  return { ...faceInTime(face as unknown as NodeFace, { timer } as Clock), asked, answer, fire, timers }
}

test('a read that is late is refused where the ledger does not answer either, after 5 s, and leaves no timer', async () => {
  const { video, ledger, asked, fire, timers } = stage()
  const reads = [video('0123456789abcdef' as never), ledger.tasks({ video: 'x' as never })].map((read) =>
    assert.rejects(
      read,
      (error) => error instanceof LedgerUnavailable && /MongoDB there.* for 3 s/.test(error.message),
    ),
  )
  assert.deepEqual(await fire(), [2_000, 2_000])
  assert.deepEqual(await fire(), [3_000, 3_000])
  await Promise.all(reads)
  assert.deepEqual([asked[0]?.slice(0, 2), timers.size], [['video', ['0123456789abcdef']], 0])
})

test('a read that takes long of a ledger that answers is waited for', async () => {
  const { ledger, answer, fire } = stage()
  const tasks = ledger.tasks({ video: 'x' as never })
  await fire()
  answer('lease').resolve({})
  await fire()
  answer('tasks').resolve(['task'])
  assert.deepEqual(await tasks, ['task'])
})

test('a change is waited for, and so are the retries of the ledger', async () => {
  const { submit, ledger, timers, answer } = stage()
  const changes = [submit({} as never), ledger.cancel('x' as never)]
  assert.equal(timers.size, 0)
  answer('submit').resolve('submitted')
  answer('cancel').resolve('changed')
  assert.deepEqual(await Promise.all(changes), ['submitted', 'changed'])
})

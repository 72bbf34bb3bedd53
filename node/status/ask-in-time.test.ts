import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { createAskInTime } from './ask-in-time.ts'

/** Timers that fire when the test says so. */
function handClock() {
  const timers = new Set<() => void>()
  const timer: Clock['timer'] = (_, act) => {
    timers.add(act)
    return () => timers.delete(act)
  }
  const fire = () => {
    for (const act of [...timers]) act()
    timers.clear()
  }
  return { clock: { timer } as Clock, fire }
}

test('a ledger that does not answer is reported in time, is asked once meanwhile, and answers when it is back', async () => {
  const { clock, fire } = handClock()
  const questions: PromiseWithResolvers<string>[] = []
  const ask = () => {
    const question = Promise.withResolvers<string>()
    questions.push(question)
    return question.promise
  }
  const look = createAskInTime({ clock, ms: 3_000, description: 'MongoDB there', ask })

  for (let n = 0; n < 3; n++) {
    const answer = look()
    fire()
    assert.deepEqual(await answer, { answer: null, away: 'MongoDB there has not answered for 3 s' })
  }
  assert.equal(questions.length, 1)
  questions[0]?.reject(new LedgerUnavailable('it did not come back'))
  assert.deepEqual(await look(), { answer: null, away: 'it did not come back' })
  const back = look()
  assert.equal(questions.length, 2)
  questions[1]?.resolve('all is well')
  assert.deepEqual(await back, { answer: 'all is well', away: null })
})

test('a bug is not reported as an unavailable ledger', async () => {
  const { clock } = handClock()
  const ask = () => Promise.reject(new TypeError('no'))
  await assert.rejects(createAskInTime({ clock, ms: 1, description: '', ask })(), /no/)
})

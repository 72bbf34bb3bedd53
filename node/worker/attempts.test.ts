import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, asSha256, taskId } from '../../protocol/ids.ts'
import { silentLog as log } from '../../protocol/log.ts'
import { initialTask } from '../../protocol/task.ts'
import { createStage } from '../../testing/simulation/stage.ts'
import { createAttempts } from './attempts.ts'
import { FILM, newTask } from './film.fixture.ts'

test('an attempt whose result is being written runs no more, and is not settled: a drained peer waits for it', async () => {
  const self = asPeerId('me')
  const { ledger, clock } = (await createStage()).actor('worker')
  const written = Promise.withResolvers<void>()
  const output = { sha256: asSha256('a'.repeat(64)), bytes: 1, holders: [self] }
  const attempts = createAttempts(
    { self },
    {
      ledger,
      clock,
      log,
      hints: createHints(),
      runners: { video: async () => [{ task: taskId(FILM, '480p', 0), ok: true, output }] },
      settle: () => written.promise,
    },
  )
  const ended = Promise.withResolvers<void>()
  const run = attempts.run([{ task: initialTask(newTask(0), 0, 1), attempt: 1 }], {
    counted: true,
    isUnwanted: false,
    releaseSlot: ended.resolve,
    ended: () => {},
  })
  assert.deepEqual([attempts.running().length, attempts.areSettled()], [1, false])
  await ended.promise
  await new Promise(setImmediate)
  assert.deepEqual([attempts.running().length, attempts.areSettled()], [0, false])
  written.resolve()
  await run
  assert.equal(attempts.areSettled(), true)
})

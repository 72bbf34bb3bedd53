/** What the end of an attempt says of the machine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptFailed, type FailureCode } from '../../protocol/errors.ts'
import { asPeerId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/task.ts'
import { newTask } from './film.fixture.ts'
import { endsOf } from './run-outcome.ts'

const [ME, BOB] = [asPeerId('me'), asPeerId('bob')]
const failure = { attempt: 1, code: 'encode_failed', message: 'bad data in /tmp/a', log: null, at: 0 } as const

function endOf(code: FailureCode, message: string, failures: Task['failures'] = []) {
  const task = { ...newTask(0), failures } as unknown as Task
  const result = { task: task._id, ok: false, failure: new AttemptFailed(code, message) } as const
  return endsOf([{ task, attempt: 2 }], [result], ME).map(({ outcome, isAgreed }) => [outcome, isAgreed])
}

test('a failure may be the fault of the machine, unless circumstances or the source are the cause', () => {
  for (const code of ['encode_failed', 'stalled', 'build_cannot', 'unexpected'] as const)
    assert.deepEqual(endOf(code, 'no'), [['failed', false]], code)
  for (const code of ['input_missing', 'disk_full', 'source_refused'] as const)
    assert.deepEqual(endOf(code, 'no'), [['blocked', false]], code)
})

test('a failure is agreed where another peer had it before with the same message', () => {
  const ofBob = { ...failure, worker_id: BOB }
  assert.deepEqual(endOf('encode_failed', 'bad data in /tmp/b', [ofBob]), [['failed', true]])
  assert.deepEqual(endOf('encode_failed', 'other data', [ofBob]), [['failed', false]])
  assert.deepEqual(endOf('encode_failed', 'bad data in /tmp/b', [{ ...failure, worker_id: ME }]), [['failed', false]])
})

test('a success is a success', () => {
  const task = newTask(0) as Task
  const ends = endsOf([{ task, attempt: 1 }], [{ task: task._id, ok: true, output: null }], ME)
  assert.deepEqual(ends, [{ task, outcome: 'succeeded', isAgreed: false }])
})

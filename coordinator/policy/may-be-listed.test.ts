/** Which encoded chunks players may see. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TaskOutput } from '../../protocol/task.ts'
import { mayBeListed } from './may-be-listed.ts'

const chunk = (holders: number, status: 'COMPLETED' | 'PENDING' = 'COMPLETED') => ({
  status,
  output: status === 'PENDING' ? null : ({ holders: Array.from({ length: holders }) } as unknown as TaskOutput),
  end_time: status === 'PENDING' ? null : 10_000,
})

test('a chunk is listed once two peers hold it, at once where there is no other, and else after a while', () => {
  const soon = { now: 10_500, isAlone: false }
  assert.equal(mayBeListed(chunk(2), soon), true)
  assert.equal(mayBeListed(chunk(1), soon), false)
  assert.equal(mayBeListed(chunk(1), { ...soon, isAlone: true }), true)
  assert.equal(mayBeListed(chunk(1), { ...soon, now: 13_000 }), true)
  assert.equal(mayBeListed(chunk(0, 'PENDING'), { now: 99_000, isAlone: true }), false)
})

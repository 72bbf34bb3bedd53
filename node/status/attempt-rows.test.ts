/** What is said of the attempts at a task, and that pages hold each of them once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId, Sha256, TaskId, Token, VideoId } from '../../protocol/ids.ts'
import { initialTask, type Task, wholeVideoTask } from '../../protocol/task.ts'
import { attemptPage, attemptRowsOf } from './attempt-rows.ts'
import { taskRowOf } from './video-detail.ts'

const VIDEO = { _id: '0123456789abcdef' as VideoId, priority: 0, due: 0, created_at: 0 }
const [ANN, BOB] = ['ann', 'bob'] as PeerId[] as [PeerId, PeerId]
const LOG = 'a'.repeat(64) as Sha256

const task = (change: Partial<Task>): Task => ({
  ...initialTask(wholeVideoTask(VIDEO, 'audio'), 0, 1),
  ...change,
})
const claim = (attempt: number, speculative: boolean) => ({
  attempt, worker_id: BOB, token: 't' as Token, speculative, expires_at: 99,
}) // biome-ignore format: one claim
const ends = (change: Partial<Task>) =>
  attemptRowsOf(task(change), []).map(({ attempt, end, peer, cause }) => [attempt, end, peer, cause])

test('an attempt runs, was completed, failed, reclaimed, or is known by its number only', () => {
  assert.deepEqual(ends({}), [])
  const failed = { attempt: 1, worker_id: ANN, code: 'encode_failed', message: 'no', log: LOG, at: 5 } as const
  const struck = { code: 'peer_died', worker_id: BOB, attempt: 2 } as const
  const started = {
    attempt: 4,
    failures: [failed],
    strikes: [{ code: 'encode_failed', worker_id: ANN }, struck],
  } as const
  const before = [
    [1, 'failed', ANN, 'encode_failed'],
    [2, 'reclaimed', BOB, 'peer_died'],
    [3, 'dropped', null, null],
  ]
  const copy = structuredClone(started) as unknown as Partial<Task>
  assert.deepEqual(ends({ ...copy, status: 'PROCESSING', claims: [claim(4, false)] }), [
    ...before,
    [4, 'running', BOB, null],
  ])
  const done = {
    ...copy,
    status: 'COMPLETED',
    completed_attempt: 4,
    worker_id: BOB,
    start_time: 7,
    end_time: 9,
  } as const
  assert.deepEqual(ends(done), [...before, [4, 'completed', BOB, null]])
  const [first, , , last] = attemptRowsOf(task(done), [])
  assert.deepEqual([first?.message, first?.log, first?.ended_at], ['no', LOG, 5])
  assert.deepEqual([last?.started_at, last?.ended_at], [7, 9])
  // Its result was lost since.
  assert.deepEqual(ends({ ...done, status: 'PENDING' }).at(-1), [4, 'dropped', null, null])
})

test('a backup attempt is said to be one, and no time is made up for it', () => {
  const change = { attempt: 2, status: 'PROCESSING', start_time: 7, claims: [claim(1, false), claim(2, true)] } as const
  const rows = attemptRowsOf(task(change as unknown as Partial<Task>), [])
  assert.deepEqual(
    rows.map(({ backup, started_at }) => [backup, started_at]),
    [
      [false, null],
      [true, null],
    ],
  )
})

const DONE = { status: 'COMPLETED', attempt: 2, worker_id: BOB, start_time: 7, end_time: 9 } as const
for (const [what, change, backup, ended] of [
  ['was completed first', { ...DONE, completed_attempt: 2, speculative: true }, 'won', [[null, 'dropped'], [true, 'completed']]],
  ['was not', { ...DONE, completed_attempt: 1, speculative: false }, 'lost', [[false, 'completed'], [true, 'dropped']]],
  ['there never was', { ...DONE, completed_attempt: 2, speculative: false }, null, [[null, 'dropped'], [false, 'completed']]],
  ['is not known any more, as the result was lost', { ...DONE, status: 'PENDING', completed_attempt: null, speculative: true }, null, [[null, 'dropped'], [null, 'dropped']]],
] as const) // biome-ignore format: a table
  test(`it is known for good of a backup attempt that it ${what}`, () => {
    const one = task(change as Partial<Task>)
    assert.equal(taskRowOf(one, []).backup, backup)
    assert.deepEqual(
      attemptRowsOf(one, []).map(({ backup, end }) => [backup, end]),
      ended,
    )
  })

test('reclaims of a task are counted apart from its failures', () => {
  const strikes = [
    { code: 'encode_failed', worker_id: ANN },
    { code: 'peer_died', worker_id: BOB, attempt: 2 },
  ] as const
  const row = taskRowOf(task({ attempt: 2, strikes: [...strikes] }), [])
  assert.deepEqual([row.reclaims, row.backup], [1, null])
})

test('pages of any size hold every attempt once, in one order, also while others are added', () => {
  const tasks = Array.from({ length: 5 }, (_, n) =>
    task({ _id: `${VIDEO._id}/720p/0000${n}` as TaskId, rank: n >> 1, attempt: n }),
  )
  const all = attemptPage(tasks, [], { limit: 500 }).attempts.map(({ task, attempt }) => `${task} ${attempt}`)
  assert.equal(all.length, 10)
  for (const limit of [1, 3, 10]) {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = attemptPage(tasks, [], { limit, cursor })
      seen.push(...page.attempts.map(({ task, attempt }) => `${task} ${attempt}`))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    assert.deepEqual(seen, all, String(limit))
  }
})

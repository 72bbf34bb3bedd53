import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TaskRow } from '../../../protocol/status.ts'
import { gridOf } from './grid.ts'
import { MARK } from './messages.ts'

const VIDEO = '0123456789abcdef'
const task = (resolution: string, chunk: number, change: Partial<TaskRow> = {}): TaskRow =>
  ({
    id: `${VIDEO}/${resolution}/${String(chunk).padStart(5, '0')}`,
    kind: 'video',
    resolution,
    chunk,
    status: 'PENDING',
    attempt: 0,
    completed_attempt: null,
    claims: [],
    failures: [],
    reclaims: 0,
    backup: null,
    ...change,
  }) as unknown as TaskRow
const grid = (tasks: readonly TaskRow[], before = null as ReturnType<typeof gridOf> | null) =>
  gridOf(VIDEO, tasks, ['480p', '720p'], before)
const claim = { attempt: 1, worker: 'w', backup: false, expires_at: 0 } as unknown as TaskRow['claims'][number]

test('a grid has a row for each rendition, the smallest first, and a step for each other kind of task', () => {
  const merge = { ...task('merge', 0), kind: 'merge' } as TaskRow
  const sounds = [0, 1].map((chunk) => ({ ...task('audio', chunk), kind: 'audio' }) as TaskRow)
  const { rows, chunks, states, steps } = grid([
    task('720p', 0, { status: 'COMPLETED' }),
    task('480p', 0),
    task('480p', 1, { status: 'PROCESSING' }),
    task('720p', 1, { status: 'FAILED' }),
    { ...sounds[0]!, status: 'COMPLETED' },
    sounds[1]!,
    merge,
  ])
  assert.deepEqual([rows, chunks, [...states]], [['480p', '720p'], 2, [0, 1, 2, 3]])
  assert.deepEqual(
    steps.map(({ name, count, done, id }) => [name, count, done, id.slice(17)]),
    [
      ['audio', 2, 1, 'audio/00001'],
      ['merge', 1, 0, 'merge/00000'],
    ],
  )
})

const failure = { attempt: 1 } as TaskRow['failures'][number]
const done = (attempt: number, completed_attempt: number) =>
  ({ status: 'COMPLETED', attempt, completed_attempt }) as const
const MARKED: readonly (readonly [what: string, change: Partial<TaskRow>, marks: number])[] = [
  ['runs for the first time', { status: 'PROCESSING', attempt: 1, claims: [claim] }, 0],
  ['runs twice', { status: 'PROCESSING', attempt: 2, claims: [claim, claim], backup: 'running' }, MARK.backup],
  ['was done by its backup attempt', { ...done(2, 2), backup: 'won' }, MARK.backup],
  ['was done before its backup attempt', { ...done(2, 1), backup: 'lost' }, MARK.backup],
  ['failed and waits', { attempt: 1, failures: [failure] }, MARK.failure | MARK.again],
  ['was reclaimed and waits', { attempt: 1, reclaims: 1 }, MARK.reclaimed | MARK.again],
  ['was reclaimed and is done', { ...done(2, 2), reclaims: 1 }, MARK.reclaimed | MARK.again],
  ['was made again as its result was lost', done(2, 2), MARK.again],
  ['was done at once', done(1, 1), 0],
]
for (const [what, change, expected] of MARKED)
  test(`a cell that ${what} has the marks ${expected}`, () => {
    assert.deepEqual([...grid([task('480p', 0, change)]).marks], [expected])
  })

const CHANGES: readonly (readonly [before: Partial<TaskRow>, now: Partial<TaskRow>, change: string | null])[] = [
  [{}, {}, null],
  [{}, { status: 'PROCESSING', attempt: 1 }, 'claimed'],
  [{ status: 'PROCESSING', attempt: 1 }, { status: 'COMPLETED', attempt: 1, completed_attempt: 1 }, 'done'],
  [{ status: 'PROCESSING', attempt: 1 }, { status: 'PENDING', attempt: 1 }, 'reclaimed'],
  [{ status: 'PROCESSING', attempt: 1 }, { status: 'PROCESSING', attempt: 2 }, 'reclaimed'],
  [{ status: 'COMPLETED', attempt: 1, completed_attempt: 1 }, { status: 'PENDING', attempt: 1 }, 'made again'],
  [{ status: 'PROCESSING', attempt: 1 }, { attempt: 1, failures: [{} as TaskRow['failures'][number]] }, 'failed'],
]
for (const [before, now, change] of CHANGES)
  test(`a change from ${JSON.stringify(before)} to ${JSON.stringify(now)} is ${change ?? 'none'}`, () => {
    const { changed } = grid([task('480p', 0, now)], grid([task('480p', 0, before)]))
    assert.deepEqual(changed, change === null ? [] : [{ cell: 0, change }])
  })

test('the grid of another video has no changes', () => {
  const other = gridOf('f'.repeat(16), [task('480p', 0)], ['480p'], null)
  assert.deepEqual(grid([task('480p', 0, { status: 'COMPLETED' })], other).changed, [])
})

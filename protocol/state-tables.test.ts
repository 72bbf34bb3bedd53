import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { TASK_STATUSES, TASK_TRANSITIONS } from './task.ts'
import { isOpen, OPEN_STATUSES, VIDEO_STATUSES, VIDEO_TRANSITIONS } from './video.ts'

/** Rows of the table that a file opens with: its first three columns. */
const rowsOf = (file: string): string[][] =>
  readFileSync(new URL(file, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(' * |') && !line.includes('---') && !/\| from /.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim()),
    )

describe('the task table', () => {
  test('in the comment and as data are one', () => {
    const data = new Set(TASK_TRANSITIONS.map(({ from, event }) => `${from} ${event}`))
    const comment = new Set(
      rowsOf('./task.ts').flatMap(([from = '', event]) =>
        TASK_STATUSES.filter((status) => from.includes(status)).map((status) => `${status} ${event}`),
      ),
    )
    assert.deepEqual([...comment].sort(), [...data].sort())
  })
  test('names a pair of status and event once, and lets every status be left but by its own end', () => {
    const pairs = TASK_TRANSITIONS.map(({ from, event }) => `${from} ${event}`)
    assert.equal(new Set(pairs).size, pairs.length)
    for (const status of TASK_STATUSES)
      assert.ok(
        TASK_TRANSITIONS.some(({ from }) => from === status),
        status,
      )
    const failed = TASK_TRANSITIONS.filter(({ to }) => to.includes('FAILED'))
    assert.deepEqual(
      failed.map(({ from, event }) => [from, event]),
      [['PENDING', 'strikes_full']],
    )
  })
})

describe('the video table', () => {
  test('in the comment and as data are one', () => {
    const statuses = (cell: string) =>
      cell === 'open' ? [...OPEN_STATUSES] : VIDEO_STATUSES.filter((status) => cell.includes(status))
    // What each row of the comment calls the event, where the data says it shorter.
    const name = (event: string) => event.replaceAll(' ', '_').replace('all_tasks_done', 'tasks_done')
    const comment = rowsOf('./video.ts').flatMap(([from = '', event = '']) =>
      statuses(from).map((status) => `${status} ${name(event)}`),
    )
    const data = VIDEO_TRANSITIONS.flatMap(({ from, event }) => from.map((status) => `${status} ${event}`))
    assert.deepEqual([...new Set(comment)].sort(), [...data].sort())
  })
  test('open means that work may still come', () => {
    assert.deepEqual(VIDEO_STATUSES.filter(isOpen), [...OPEN_STATUSES])
    for (const status of OPEN_STATUSES) {
      const leaves = VIDEO_TRANSITIONS.filter(({ from }) => from.includes(status)).map(({ to }) => to)
      assert.ok(leaves.includes('CANCELLED') && leaves.includes('FAILED'), status)
    }
  })
})

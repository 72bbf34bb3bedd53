import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sinceStart } from '../protocol/plan.ts'
import { closedSeconds, closingTerms, gapsIn, isFilled, jumpFates, mayJump } from './clock-jumps.ts'
import { noPackets } from './packet-index.ts'

const SECOND = 90_000
const STEP = SECOND / 25
const BASE = [1, SECOND] as const

/** Times of pictures at 25 a second, in runs that begin at these seconds. */
const recording = (...runs: readonly { at: number; pictures: number }[]): number[] =>
  runs.flatMap(({ at, pictures }) => Array.from({ length: pictures }, (_, picture) => at * SECOND + picture * STEP))
const found = (times: readonly number[]) => gapsIn(times, noPackets(), BASE)

const TWICE = recording({ at: 10, pictures: 75 }, { at: 3610, pictures: 50 }, { at: 9000, pictures: 25 })
const JUMPS = [
  { from: 13 * SECOND, to: 3610 * SECOND },
  { from: 3612 * SECOND, to: 9000 * SECOND },
]

test('only the formats of broadcasts may jump', () => {
  assert.deepEqual(['mpegts', 'mpeg', 'mov,mp4,m4a,3gp,3g2,mj2', 'matroska,webm'].map(mayJump), [
    true,
    true,
    false,
    false,
  ])
})

test('two jumps are closed up, so that pictures follow each other', () => {
  assert.deepEqual(found(TWICE), JUMPS)
  assert.deepEqual(
    TWICE.map((time) => sinceStart({ start_pts: 0, jumps: JUMPS }, time)),
    recording({ at: 10, pictures: 150 }),
  )
  assert.deepEqual([closedSeconds(12.9, JUMPS, BASE), closedSeconds(3609.5, JUMPS, BASE)], [12.9, 12.5])
})

test('neither a pause below 10 s nor pictures that are far apart anyway are jumps, nor a clock that jumps all the time', () => {
  assert.deepEqual(found(recording({ at: 0, pictures: 25 }, { at: 10.9, pictures: 25 })), [])
  assert.deepEqual(found(recording(...[0, 12, 24, 40, 52].map((at) => ({ at, pictures: 1 })))), [])
  assert.deepEqual(found(recording(...Array.from({ length: 60 }, (_, at) => ({ at: 100 * at, pictures: 50 })))), [])
  assert.deepEqual(found([]), [])
})

test('a gap in which another track goes on is none of the clock', () => {
  const jump = { from: 0, to: 100 * SECOND }
  assert.deepEqual(
    [[50], [1, 99.5], []].map((times) => isFilled(jump, times, BASE)),
    [true, false, false],
  )
})

test('sound is moved from the middle of each gap on', () => {
  assert.equal(closingTerms(JUMPS.slice(0, 1), BASE, 100), '-gte(T\\,1911.500000)*3597.000000/TB')
  assert.equal(closingTerms([], BASE, 100), '')
})

test('the note says where the first gap is, and how long all of them are', () => {
  assert.match(
    jumpFates(JUMPS, 10 * SECOND, BASE)[0]?.note ?? '',
    /after 3\.0 s, and again later \(2 times\) \(8985 s in all\)/,
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeUp, gapsIn, jumpsOf, jumpTerms, mayJump, shiftAt, shiftAtSource } from './clock-jumps.ts'
import { noPackets, type Packets } from './packet-index.ts'

const SECOND = 90_000
const STEP = SECOND / 25

/** Pictures at 25 a second in runs that begin at these seconds; each decodes two pictures before it is shown. */
function recording(...runs: readonly { at: number; pictures: number }[]): Packets {
  const packets = noPackets()
  for (const { at, pictures } of runs)
    for (let picture = 0; picture < pictures; picture++) {
      packets.pts.push(at * SECOND + picture * STEP)
      packets.dts.push(at * SECOND + (picture - 2) * STEP)
      packets.duration.push(STEP)
      packets.key.push(picture % 25 === 0)
      packets.discarded.push(false)
    }
  return packets
}

const found = (packets: Packets) => gapsIn(packets, [1, SECOND])

test('only the formats of broadcasts may jump', () => {
  assert.deepEqual(['mpegts', 'mpeg', 'mov,mp4,m4a,3gp,3g2,mj2', 'matroska,webm'].map(mayJump), [
    true,
    true,
    false,
    false,
  ])
})

test('two jumps are closed up, so that pictures follow each other', () => {
  const packets = recording({ at: 10, pictures: 75 }, { at: 3610, pictures: 50 }, { at: 9000, pictures: 25 })
  const jumps = jumpsOf(found(packets))
  assert.deepEqual(jumps, [
    { pts: 13 * SECOND, ticks: 3597 * SECOND },
    { pts: 15 * SECOND, ticks: (9000 - 3612) * SECOND },
  ])
  const closed = closeUp(packets, jumps)
  assert.deepEqual(closed.pts, recording({ at: 10, pictures: 150 }).pts)
  assert.deepEqual(closed.dts, recording({ at: 10, pictures: 150 }).dts)
  assert.deepEqual(
    closed.pts.map((pts) => pts + shiftAt(pts, jumps)),
    packets.pts,
  )
  assert.deepEqual(
    packets.dts.map((dts) => dts - shiftAtSource(dts, jumps)),
    closed.dts,
  )
})

test('neither a pause below 10 s nor pictures that are far apart anyway are jumps', () => {
  assert.deepEqual(found(recording({ at: 0, pictures: 25 }, { at: 10.9, pictures: 25 })), [])
  const slides = recording(...[0, 12, 24, 40, 52].map((at) => ({ at, pictures: 1 })))
  assert.deepEqual(found(slides), [])
  assert.deepEqual(found(noPackets()), [])
})

test('sound is moved from the middle of each gap on', () => {
  const jumps = jumpsOf(found(recording({ at: 10, pictures: 75 }, { at: 3610, pictures: 50 })))
  assert.equal(jumpTerms(jumps, [1, SECOND], 100), '-gte(T\\,1911.500000)*3597.000000/TB')
  assert.equal(jumpTerms([], [1, SECOND], 100), '')
})

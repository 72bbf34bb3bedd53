import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Copy, compareCopy, samePackets } from './cut-check.ts'
import { cutFormatsFor, losslessFormat, shiftOf } from './cut-formats.ts'
import { noPackets, type Packets } from './packet-index.ts'

/** Packets at these times; their bytes are distinguished by their times in the index. */
function packets(pts: readonly number[], timeBase: readonly [number, number], of: readonly number[] = pts): Packets {
  return { ...noPackets(), pts: [...pts], dts: [...pts], size: of.map(() => 9), hash: [...of], timeBase }
}

const INDEX = packets([0, 1001, 2002, 3003, 4004], [1, 30_000])

function verdict(copied: Packets, change: Partial<Copy> = {}): string {
  const range = { first: 1, last: 4, cut: { seek_pts: 1001, stop_dts: null } }
  const shift = { ticks: 0, seconds: 100 }
  return compareCopy({
    packets: copied,
    index: INDEX,
    range,
    plan: { time_base: [1, 30_000] },
    shift,
    container: 'nut',
    ...change,
  })
}

test('a copy may begin earlier and end later than its chunk, and nothing else', () => {
  const at = (...numbers: number[]) =>
    packets(
      numbers.map((number) => number * 1001 + 3_000_000),
      [1, 30_000],
      numbers.map((number) => number * 1001),
    )
  assert.equal(verdict(at(1, 2, 3)), 'same')
  assert.equal(verdict(at(0, 1, 2, 3, 4)), 'same')
  assert.equal(verdict(at(2, 3)), 'other times')
  assert.equal(verdict(at(1, 2)), 'other times')
  assert.equal(verdict(at(1, 3, 2)), 'other times')
  assert.equal(verdict(noPackets()), 'other times')
})

test('times in milliseconds are not those of 29.97 frames a second, except in NUT, which is never so coarse', () => {
  const rounded = packets([100_033, 100_067, 100_100], [1, 1000])
  assert.equal(verdict(rounded, { container: 'matroska' }), 'other times')
  const steady: Partial<Copy> = {
    container: 'matroska',
    index: packets([0, 1, 2], [1, 25]),
    plan: { time_base: [1, 25] },
  }
  assert.equal(
    verdict(packets([100_000, 100_040, 100_080], [1, 1000]), {
      ...steady,
      range: { first: 0, last: 3, cut: { seek_pts: null, stop_dts: null } },
    }),
    'same',
  )
})

test('equal times with other bytes are another source', () => {
  const changed = packets([3_001_001, 3_002_002, 3_003_003], [1, 30_000], [1001, 7, 3003])
  assert.equal(verdict(changed), 'other bytes')
  assert.equal(verdict(changed, { container: 'mov' }), 'same')
  assert.ok(samePackets(INDEX, packets(INDEX.pts, [1, 30_000])))
  assert.ok(!samePackets(INDEX, packets(INDEX.pts, [1, 30_000], [0, 1001, 2002, 3003, 7])))
})

test('AVI counts from 0, every other cut has positive times', () => {
  const plan = { start_pts: -9000, time_base: [1, 90_000], lead: 0, track_timescale: 90_000 } as const
  assert.deepEqual(shiftOf('avi', plan, -9000), { ticks: 9000, seconds: 0, offset: 0.1 })
  assert.deepEqual(shiftOf('nut', plan, -9000), { ticks: 0, seconds: 101, offset: 101 })
})

test('FFV1 gets a format with the same samples, or none; no container says the turn a second time', () => {
  assert.deepEqual(losslessFormat('rgb24'), { filters: ['format=bgr0'], format: 'bgr0' })
  assert.deepEqual(losslessFormat('yuv422p10be')?.format, 'yuv422p10le')
  assert.match(losslessFormat('yuvj420p')?.filters[0] ?? '', /^mergeplanes=.*format=yuv420p$/)
  assert.equal(losslessFormat('gbrpf32le'), null)
  const video = { codec: 'h264', pixel_format: 'yuv420p', rotation: 0, mirrored: false } as const
  assert.deepEqual(cutFormatsFor({ ...video, rotation: 90 }), ['nut', 'avi', 'lossless'])
  assert.equal(cutFormatsFor(video).length, 5)
  assert.deepEqual(cutFormatsFor({ ...video, codec: 'rawvideo', pixel_format: 'pal8' }), [])
  assert.equal(cutFormatsFor({ ...video, codec: 'gif', pixel_format: 'pal8' }).length, 5)
})

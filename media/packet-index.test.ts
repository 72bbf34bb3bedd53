import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  clockFallsAt, decodedTimesOf, endOf, frameRate, hiddenInside, hideRemnant, noPackets, type Packets, packetsArePictures, packetsOf, readingOf, takeFrame, takePacket, timesOf,
} from './packet-index.ts' // biome-ignore format: groups

function read(...lines: string[]): Packets {
  const packets = noPackets()
  for (const line of lines) takePacket(packets, line)
  return packets
}
const shown = (pts: number | 'N/A', flags = '__') => `pts=${pts}|dts=${pts}|duration=40|flags=${flags}`
const every = (step: number, count: number) => Array.from({ length: count }, (_, at) => Math.round(at * step))

test('packets and the time base are read by name, with columns and side data in any order', () => {
  const packets = read(
    'flags=K_C|dts=-512|pts=0|duration=512|data_hash=murmur3:00000000000ff0000000000000000000|size=7',
    'pts=N/A|dts=N/A|duration=N/A|flags=_D_',
    '',
    'time_base=1/12800|pix_fmt=pal8',
  )
  assert.deepEqual(packets, {
    ...noPackets(),
    position: [NaN, NaN], size: [7, NaN], hash: [0xff, NaN], pixelFormat: 'pal8',
    pts: [0, NaN], dts: [-512, NaN], duration: [512, NaN], key: [true, false], discarded: [false, true], timeBase: [1, 12_800],
  }) // biome-ignore format: groups
})

test('a few missing times are made up; a stream of H.264 without any is counted by decoding', () => {
  const some = read(...every(40, 99).map((pts) => shown(pts)), shown('N/A'))
  const none = read(shown('N/A'), shown('N/A'))
  assert.equal(readingOf(read(shown(0), shown('N/A', '_D')), 'h264'), 'as they are')
  assert.equal(readingOf(some, 'h264'), 'genpts')
  assert.equal(readingOf(none, 'h264'), 'decode')
  assert.equal(readingOf(none, 'mpeg4'), 'genpts')
})

test('times begin with the first picture that can be decoded, without hidden ones, and never twice', () => {
  const packets = read(shown(80), shown(0), shown(40), shown(120, '_D'), shown(160))
  assert.deepEqual(timesOf(packets, 40), [40, 80, 160])
  assert.ok(hiddenInside(packets, [40, 80, 160]))
  assert.ok(!hiddenInside(read(shown(0, '_D'), shown(40)), [40]))
  assert.equal(timesOf(read(shown(40), shown(40)), 0), null)
})

test('a last packet that is shorter than an uncompressed picture is not shown, and no other is hidden', () => {
  const hiddenOf = (codec: string, ...sizes: number[]) => {
    const packets = read(...sizes.map((size, at) => `${shown(40 * at)}|size=${size}`))
    hideRemnant(packets, codec)
    return packets.discarded.indexOf(true)
  }
  assert.equal(hiddenOf('rawvideo', 900, 900, 36), 2)
  assert.equal(hiddenOf('rawvideo', 900, 900, 900), -1)
  assert.equal(hiddenOf('h264', 900, 36), -1)
})

test('field-coded packets are distinguished from pictures by what they decode to', () => {
  const packets = read(...every(20, 40).map((pts) => shown(pts)))
  const frames = every(40, 20).map((pts) => ({ pts, interlaced: true, topFieldFirst: true }))
  assert.match(packetsArePictures(packets, frames, 40) ?? '', /not pictures/)
  assert.equal(
    packetsArePictures(
      packets,
      every(20, 38).map((pts) => ({ pts, interlaced: false, topFieldFirst: false })),
      40,
    ),
    null,
  )
})

test('pictures that a decoder lets go of at the end without a time get one', () => {
  const frames: { pts: number; interlaced: boolean; topFieldFirst: boolean }[] = []
  for (const line of ['best_effort_timestamp=2', 'best_effort_timestamp=3', 'best_effort_timestamp=N/A', ''])
    takeFrame(frames, line)
  assert.deepEqual(decodedTimesOf(frames), [2, 3, 4])
})

test('the last picture lasts as long as it says, else as the others do', () => {
  assert.equal(endOf(read(shown(0), shown(40)), [0, 40], [1, 1000]), 80)
  const silent = read('pts=0|dts=0|duration=N/A|flags=K_', 'pts=33|dts=33|duration=N/A|flags=__')
  assert.equal(endOf(silent, [0, 33], [1, 1000]), 66)
  assert.equal(endOf(read('pts=7|dts=7|flags=K_'), [7], [1, 1000]), 47)
})

test('one frame rate per video: the container rounds, it does not vary', () => {
  const rates = (times: number[], timescale: number, guess: readonly [number, number] | null = null) =>
    frameRate(times, [1, timescale], [guess])
  assert.deepEqual(rates(every(1001 / 24, 500), 1000), { fps: [24_000, 1001], variable: false })
  assert.deepEqual(rates(every(3003, 500), 90_000), { fps: [30_000, 1001], variable: false })
  assert.deepEqual(rates(every(1001, 1500), 120_000), { fps: [120_000, 1001], variable: false })
  assert.deepEqual(rates(every(2000, 300), 25_000, [25, 2]), { fps: [25, 2], variable: false })
  assert.deepEqual(rates([0], 1000, null), { fps: [24_000, 1001], variable: false })
  assert.deepEqual(rates([...every(40, 100), 9000, 9040], 1000), { fps: [11, 1], variable: true })
})

test('a clock that jumps back is seen, a little disorder is not one', () => {
  const at = (...times: number[]) => clockFallsAt(read(...times.map((time) => shown(time))), [1, 1000])
  assert.equal(at(1000, 9000, 17_000, 1020, 1060), 16)
  assert.equal(at(0, 40, 30, 80, 70, 120), null)
})

test('packets that were read with the streams are those of a list', () => {
  const listed = noPackets()
  const line = 'pts=0|dts=-512|duration=512|size=7|pos=48|flags=K_|data_hash=murmur3:00000000000ff0000000000000000000'
  for (const each of [line, 'pts=N/A|flags=_D', 'time_base=1/12800|pix_fmt=yuv420p']) takePacket(listed, each)
  const row = (said: object, sideData: string[] = []) => ({ fields: new Map(Object.entries(said)), sideData })
  const first = { pts: '0', dts: '-512', duration: '512', size: '7', pos: '48', flags: 'K_' }
  const rows = [row({ ...first, data_hash: 'murmur3:00000000000ff0000000000000000000' }), row({ flags: '_D' })]
  const of = { timeBase: [1, 12_800], pixelFormat: 'yuv420p', sideData: true } as const
  assert.deepEqual(packetsOf(rows, of), listed)
  const [header, change] = [row(first, ['New Extradata']), row(first, ['New Extradata'])]
  assert.equal(packetsOf([header, row(first)], of).announced, false)
  assert.equal(packetsOf([row(first), change], of).announced, true)
  assert.equal(packetsOf([row(first), change], { ...of, sideData: false }).announced, false)
})

/** How tracks are divided, and what manifests say of them: numbers that no film of a test happens to have. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bandwidthOf, byFamily, targetDuration } from './facts.ts'
import { fragmentHead } from './fragment.ts'
import { reorderDelay, segmentSizes } from './layout.ts'

/** Fragments of these lengths, seconds; each list is one file. */
function fragments(...files: readonly (readonly number[])[]) {
  let start = 0
  return files.flatMap((lengths, file) =>
    lengths.map((length) => {
      const fragment = { file, start, end: start + length }
      start += length
      return fragment
    }),
  )
}
const sizes = (...files: readonly (readonly number[])[]) => segmentSizes(fragments(...files), 1)

describe('segments', () => {
  it('have about 6 s of one file; what is left over is one if it is half as long', () => {
    assert.deepEqual(sizes([3, 3, 2]), [3])
    assert.deepEqual(sizes([3, 3, 3]), [2, 1])
    assert.deepEqual(sizes([3, 3, 3, 3, 0.5]), [2, 3])
    assert.deepEqual(sizes([0.04]), [1])
    assert.deepEqual(sizes([10, 10]), [1, 1])
  })
  it('never span two files, but for a very short last one', () => {
    assert.deepEqual(sizes([3, 2], [3, 3], [1]), [2, 2, 1])
    assert.deepEqual(sizes([3, 3], [3, 3], [0.04]), [2, 3])
    assert.deepEqual(sizes([0.04]), [1])
  })
})

describe('the bandwidth of a track', () => {
  const track = (...all: [seconds: number, bytes: number][]) => {
    const segments = all.map(([duration, bytes]) => ({ offset: 0, start: 0, bytes, duration: duration * 1000 }))
    return { segments, timescale: 1000 }
  }
  it('is the largest of any stretch of about a segment, and never of a lone short one', () => {
    assert.deepEqual(bandwidthOf(track([6, 6000], [6, 12_000], [6, 6000])), { peak: 16_000, average: 10_667 })
    // A tail of one picture would be 200 kB a second.
    assert.deepEqual(bandwidthOf(track([6, 6000], [0.04, 1000])).peak, Math.ceil((7000 * 8) / 6.04))
    assert.deepEqual(bandwidthOf(track([0.04, 1000])), { peak: 200_000, average: 200_000 })
  })
  it('has a target of whole seconds that no segment is longer than by half a second', () => {
    assert.equal(targetDuration([track([6.006, 1], [8.4, 1]), track([6.02, 1])]), 8)
    assert.equal(targetDuration([track([0.04, 1])]), 1)
  })
})

it('old players find what they know first', () => {
  const tracks = ['av01.0.04M.08', 'hvc1.1.6.L93.B0', 'avc1.4D400A', 'avc1.64001F'].map((codecs) => ({ codecs }))
  assert.deepEqual(
    byFamily(tracks).map(([family, of]) => [family, of.length]),
    [
      ['avc1', 2],
      ['av01', 1],
      ['hvc1', 1],
    ],
  )
})

describe('a fragment', () => {
  /** Decode time of the first sample, and duration and composition offset of each, as its boxes say. */
  function read(head: Buffer) {
    const trun = head.indexOf('trun') + 4
    const flags = head.readUInt32BE(trun) & 0xffffff
    const count = head.readUInt32BE(trun + 4)
    const each = [0x100, 0x200, 0x400, 0x800].filter((bit) => flags & bit).length
    const first = trun + 8 + 4 + (flags & 4 ? 4 : 0)
    const rows = Array.from({ length: count }, (_, sample) =>
      Array.from({ length: each }, (_, field) => head.readInt32BE(first + 4 * (sample * each + field))),
    )
    return { decode: Number(head.readBigUInt64BE(head.indexOf('tfdt') + 8)), rows, dataAt: head.readUInt32BE(trun + 8) }
  }
  const sample = (time: number, isKey = false) => ({ time, bytes: 10, isKey })

  it('is decoded at the times at which pictures are shown, however uneven they are', () => {
    const samples = [sample(100, true), sample(310), sample(140), sample(210)]
    const { decode, rows, dataAt } = read(fragmentHead({ samples, end: 350, delay: 80, sequence: 1 }))
    assert.equal(decode, 100)
    let time = decode
    const shown = rows.map(([duration, , offset]) => {
      const at = time + offset! - 80
      time += duration!
      return at
    })
    assert.deepEqual(shown, [100, 310, 140, 210])
    assert.equal(time, 350, 'it lasts until the next one begins')
    assert.equal(dataAt, fragmentHead({ samples, end: 350, delay: 80, sequence: 1 }).length)
  })
  it('does not repeat what all of its samples have in common', () => {
    const steady = [sample(0, true), sample(40), sample(80)]
    assert.deepEqual(read(fragmentHead({ samples: steady, end: 120, delay: 0, sequence: 1 })).rows, [[10], [10], [10]])
    const keys = [sample(0, true), sample(40), sample(80, true)]
    const { rows } = read(fragmentHead({ samples: keys, end: 120, delay: 0, sequence: 1 }))
    assert.deepEqual(rows.map(([, flags]) => flags), [0x02000000, 0x01010000, 0x02000000]) // biome-ignore format: short
  })
})

it('pictures are held back by two where an encoder reorders them', () => {
  const plan = { b_frames: 3, fps: [30_000, 1001], track_timescale: 30_000 } as const
  assert.equal(reorderDelay(plan, true), 2002)
  assert.equal(reorderDelay(plan, false), 0)
  assert.equal(reorderDelay({ ...plan, b_frames: 0 }, true), 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Shape, VideoFacts } from '../protocol/plan.ts'
import { changesOf, mainShape, payloadOf, shapeFates } from './shape-changes.ts'
import { fitting, shapesIn } from './shapes.ts'

const VIDEO: VideoFacts = {
  stream: 0, codec: 'h264', profile: '', pixel_format: 'yuv420p', bit_depth: 8, width: 640, height: 360,
  sample_aspect: [1, 1], rotation: 0, mirrored: false, interlaced: false, top_field_first: true, hdr: false,
  color: { range: 'unknown', primaries: 'unknown', transfer: 'unknown', space: 'unknown' },
} // biome-ignore format: a record
const WIDE: Shape = { start_pts: 1000, width: 640, height: 360, sample_aspect: [1, 1] }
const OLD: Shape = { start_pts: 4000, width: 320, height: 240, sample_aspect: [1, 1] }
const FRAME = { width: 640, height: 360 }

test('a picture of one shape fills the frame without another filter', () => {
  assert.deepEqual(fitting(VIDEO, FRAME, []), { size: '640:360', bars: [] })
  assert.deepEqual(fitting(VIDEO, FRAME, [{ ...WIDE, from_s: 0 }]), { size: '640:360', bars: [] })
})

test('a picture of another shape is fitted into the frame, with bars', () => {
  assert.deepEqual(fitting(VIDEO, FRAME, [{ ...OLD, from_s: 0 }]), {
    size: '480:360',
    bars: ['pad=640:360:(ow-iw)/2:(oh-ih)/2'],
  })
  const anamorphic = { width: 720, height: 576, sample_aspect: [16, 15], from_s: 0 } as const
  assert.equal(fitting(VIDEO, FRAME, [anamorphic]).size, '480:360')
  assert.equal(
    fitting({ ...VIDEO, rotation: 90 }, { width: 360, height: 640 }, [{ ...OLD, from_s: 0 }]).size,
    '360:480',
  )
})

test('a chunk of several shapes changes its scaling at the time of each', () => {
  const { size, bars } = fitting(VIDEO, FRAME, shapesIn([WIDE, OLD], { start_pts: 1000, end_pts: 7000 }, [1, 1000]))
  assert.equal(size, "w='if(lt(t,2.999500),640,480)':h='if(lt(t,2.999500),360,360)':eval=frame")
  assert.deepEqual(bars, ['pad=640:360:(ow-iw)/2:(oh-ih)/2:eval=frame'])
})

test('the shapes of a range begin with the one that holds at its start', () => {
  const from = (start_pts: number, end_pts: number) =>
    shapesIn([WIDE, OLD], { start_pts, end_pts }, [1, 1000]).map(({ width, from_s }) => [width, from_s])
  assert.deepEqual(from(900, 4000), [[640, 0]])
  assert.deepEqual(from(4000, 9000), [[320, 0]])
  assert.deepEqual(from(3000, 9000), [[640, 0], [320, 1]]) // biome-ignore format: a table
})

test('keyframes of equal shape are one shape, by time', () => {
  const again = { ...WIDE, start_pts: 2000 }
  assert.deepEqual(changesOf([again, OLD, WIDE]), [WIDE, OLD])
  assert.match(shapeFates([WIDE, OLD], 1000, [1, 1000])[0]?.note ?? '', /\(640×360, 320×240 from 3\.0 s\)/)
  assert.deepEqual(shapeFates([], 0, [1, 1000]), [])
})

test('the frame is that of the largest shape that is shown long', () => {
  assert.equal(mainShape([WIDE, OLD], { start_pts: 1000, end_pts: 7000 }), WIDE)
  assert.equal(mainShape([WIDE, OLD], { start_pts: 1000, end_pts: 12_000 }), OLD)
})

test('the payload of transport packets is joined, without those of other streams and with M2TS', () => {
  const packet = (pid: number, text: string) => {
    const bytes = Buffer.alloc(188, 0xff)
    const stuffing = 183 - text.length
    bytes.set([0x47, pid >> 8, pid & 255, 0x30, stuffing])
    bytes.write(text, 188 - text.length, 'latin1')
    return bytes
  }
  const parts = [packet(256, 'ab'), packet(257, 'xx'), packet(256, 'cd')]
  assert.equal(payloadOf(Buffer.concat(parts)).toString(), 'abcd')
  assert.equal(payloadOf(Buffer.concat(parts.flatMap((part) => [Buffer.alloc(4), part]))).toString(), 'abcd')
})

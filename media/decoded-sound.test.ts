/** What framecrc prints is read by stream; a copy is the same sound only with the same samples at the same times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DecodedSound, isNoise, isSameSound, isUntimed, parseDecodedSound } from './decoded-sound.ts'

const LINES = [
  '#software: Lavf59.27.100',
  '#tb 0: 1/48000',
  '#media_type 0: audio',
  '#sample_rate 0: 48000',
  '#channel_layout_name 0: 2.1',
  '#tb 1: 1/44100',
  '#sample_rate 1: 44100',
  '#channel_layout_name 1: 17 channels',
  '0,          0,          0,     1024,    12288, 0x4ab4ddda',
  '1,       -441,       -441,      882,    59976, 0x00000001',
  '0,       1024,       1024,     1024,    12288, 0x7e8106d8',
]

test('streams are read with layout, rate and channels of their decoder', () => {
  const sounds = parseDecodedSound(LINES)
  assert.deepEqual(sounds.get(0), {
    rate: 48_000,
    layout: '2.1',
    channels: 3,
    frames: [
      { time: 0, samples: 1024, checksum: '0x4ab4ddda' },
      { time: 1024 / 48_000, samples: 1024, checksum: '0x7e8106d8' },
    ],
  })
  assert.equal(sounds.get(1)?.channels, 17)
  assert.equal(sounds.get(1)?.frames[0]?.time, -0.01)
  assert.equal(sounds.size, 2)
})

const RATE = 48_000
/** Frames of 1,024 samples from `start` on; `first` and `last` are the samples of those at the ends. */
function sound(of: { start?: number; count?: number; first?: number; last?: number } = {}): DecodedSound {
  const { start = 0, count = 20, first = 1024, last = 1024 } = of
  let time = start + (1024 - first) / RATE
  const frames = Array.from({ length: count }, (_, at) => {
    const samples = at === 0 ? first : at === count - 1 ? last : 1024
    const frame = { time, samples, checksum: samples === 1024 ? `0x${at}` : `0x${at}-${samples}` }
    time += samples / RATE
    return frame
  })
  return { rate: RATE, layout: 'stereo', channels: 2, frames }
}

test('a copy is the same only with the same samples, times, rate and channels', () => {
  assert.ok(isSameSound(sound(), sound({ start: 100, count: 30 }), 100))
  assert.ok(isSameSound(sound(), sound({ start: 100.0005 }), 100))
  assert.ok(!isSameSound(sound(), sound({ start: 100.01 }), 100))
  assert.ok(!isSameSound(sound(), sound({ start: 100, count: 19 }), 100))
  assert.ok(!isSameSound(sound(), undefined, 100))
  assert.ok(!isSameSound(sound(), { ...sound(), rate: 44_100 }, 0))
  assert.ok(!isSameSound(sound(), { ...sound(), channels: 3 }, 0))
  const { frames, ...rest } = sound()
  assert.ok(!isSameSound(sound(), { ...rest, frames: frames.with(7, { ...frames[7]!, checksum: '0xbad' }) }, 0))
})

test('what an encoder added at the ends may be longer in the copy, at the same place', () => {
  assert.ok(isSameSound(sound({ first: 47 }), sound(), 0))
  assert.ok(isSameSound(sound({ last: 500 }), sound(), 0))
  assert.ok(!isSameSound(sound(), sound({ last: 500 }), 0))
  // Opus without its pre-skip: the first frame is whole, and later by what was skipped.
  const late = sound({ start: 312 / RATE })
  assert.ok(!isSameSound(sound({ first: 712 }), late, 0))
})

test('times far closer than samples are none, gaps and short tracks are no reason', () => {
  const { frames, ...rest } = sound()
  assert.ok(isUntimed({ ...rest, frames: frames.map((frame, at) => ({ ...frame, time: at * 0.00026 })) }))
  assert.ok(!isUntimed(sound()))
  assert.ok(!isUntimed({ ...rest, frames: frames.map((frame, at) => ({ ...frame, time: at * 3 })) }))
  assert.ok(!isUntimed({ ...rest, frames: frames.slice(0, 8).map((frame) => ({ ...frame, time: 0 })) }))
})

test('a few frames among garbage are noise', () => {
  const { frames, ...rest } = sound()
  assert.ok(!isNoise(sound()))
  assert.ok(isNoise(sound({ count: 3 })))
  assert.ok(isNoise({ ...rest, frames: frames.map((frame, at) => ({ ...frame, time: at })) }))
})

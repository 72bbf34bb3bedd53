import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areFields, frameTimes, keyedByFrames } from './fields.ts'
import { noPackets } from './packet-index.ts'

const field = (pts: number, topFieldFirst: boolean, interlaced = true) => ({ pts, topFieldFirst, interlaced })

test('HEVC pictures of both parities by turns are fields, those of other codecs are frames', () => {
  const head = [field(0, true), field(768, false), field(256, false), field(512, true)]
  assert.equal(areFields('hevc', head), true)
  assert.equal(areFields('h264', head), false)
  assert.equal(areFields('hevc', [field(0, true), field(256, true)]), false)
  assert.equal(areFields('hevc', [field(0, true, false), field(256, false, false)]), false)
  assert.equal(areFields('hevc', []), false)
})

test('frames have the times of their first fields, and only these begin a cut', () => {
  assert.deepEqual(frameTimes([0, 20, 40, 60, 80]), [0, 40])
  const packets = { ...noPackets(), pts: [0, 20, 40, 60], key: [true, true, false, true] }
  assert.deepEqual(keyedByFrames(packets, [0, 40]).key, [true, false, false, false])
})

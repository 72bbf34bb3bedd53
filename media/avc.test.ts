import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pictureStart, sequenceOf } from './avc.ts'

/** Records that libx264 has written: plain, without B-frames, interlaced, with the structure of pictures. */
const PLAIN = '01640028ffe1001b67640028acd940780227e5c044000003000400000300f03c60c65801000668eae1b2c8b0fdf8f800'
const IN_ORDER = '01640016ffe1001a67640016acb60601bd3506060640000003008000000c83c58bb801000668eac3cb22c0fdf8f800'
const FIELDS = '0164001effe1001a6764001eacd940a063f3e022000003000200000300783e28532c01000668faa3cb22c0fdf8f800'
const STRUCTURED = '0164001effe1001a6764001eacd940a02ff970110000030001000003003c1f162d9601000668ebe3cb22c0fdf8f800'

const of = (hex: string) => sequenceOf(Buffer.from(hex, 'hex'))

test('a parameter set says whether pictures are whole frames, and shown as they are decoded', () => {
  assert.deepEqual(of(PLAIN), { isProgressive: true, isInOrder: false })
  assert.deepEqual(of(IN_ORDER), { isProgressive: true, isInOrder: true })
  assert.deepEqual(of(FIELDS), { isProgressive: false, isInOrder: false })
  assert.deepEqual(of(STRUCTURED), { isProgressive: false, isInOrder: false })
})

test('a record that is cut off, or of another form, says nothing', () => {
  assert.equal(of(PLAIN.slice(0, 40)), null)
  assert.equal(of(PLAIN.slice(0, 10)), null)
  assert.equal(of(PLAIN.replace('ffe1', 'fde1')), null, 'lengths of two bytes')
  assert.equal(of(PLAIN.replace('ffe1', 'ffe2')), null, 'two parameter sets')
})

const unit = (...bytes: number[]) => [0, 0, 0, bytes.length, ...bytes]
const start = (...units: number[][]) => pictureStart(Buffer.from([...units.flat(), 0, 0]))

test('a packet begins a picture behind delimiters and information', () => {
  assert.deepEqual(start(unit(0x65, 0x88, 1)), { isRefresh: true })
  assert.deepEqual(start(unit(9, 0x10), unit(6, 5, 1, 0, 0x80), unit(0x41, 0x9a)), { isRefresh: false })
})

test('a packet that begins otherwise is looked into by a decoder', () => {
  const captions = unit(6, 4, 6, ...Buffer.from('GA94'), 0x80)
  assert.equal(start(captions, unit(0x65, 0x88)), null, 'closed captions')
  assert.equal(start(unit(0x67, 100), unit(0x65, 0x88)), null, 'a parameter set')
  assert.equal(start(unit(0x41, 0x1a)), null, 'a later part of a picture')
  assert.equal(start([0, 0, 9, 0, 6, 5]), null, 'its picture lies beyond what was read')
  assert.equal(start(), null)
})

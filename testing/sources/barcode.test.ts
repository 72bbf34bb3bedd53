/** Barcodes read back from painted frames, and nothing is read from what is not one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NUMBERS, readBarcode, THUMB, THUMB_BYTES } from './barcode.ts'
import { CANVAS, paint } from './paint.ts'

/** Nearest-neighbour grey thumbnail of a painted frame. */
function thumbOf(frame: Uint8Array, change: (luma: number) => number = (luma) => luma): Uint8Array {
  return Uint8Array.from({ length: THUMB_BYTES }, (_, at) => {
    const x = Math.floor((((at % THUMB.width) + 0.5) * CANVAS.width) / THUMB.width)
    const y = Math.floor(((Math.floor(at / THUMB.width) + 0.5) * CANVAS.height) / THUMB.height)
    return change(frame[y * CANVAS.width + x] ?? 0)
  })
}

const numbers = Array.from({ length: NUMBERS }, (_, number) => number)

test('every number reads back, also from a picture of low contrast or other transfer', () => {
  for (const [at, frame] of [...paint({ numbers })].entries()) {
    assert.equal(readBarcode(thumbOf(frame)), at)
    assert.equal(readBarcode(thumbOf(frame, (luma) => 255 * (luma / 255) ** 2.2 * 0.5 + 40)), at)
  }
})

test('two frames blended half and half have no number', () => {
  const thumbs = [...paint({ numbers: [100, 2731, 4095, 0] })].map((frame) => thumbOf(frame))
  for (const [at, one] of thumbs.entries()) {
    const other = thumbs[(at + 1) % thumbs.length] ?? one
    assert.equal(readBarcode(one.map((value, index) => (value + (other[index] ?? 0)) / 2)), null)
  }
})

test('inverted, grey and black pictures have no number', () => {
  for (const frame of paint({ numbers })) {
    const thumb = thumbOf(frame)
    assert.equal(readBarcode(thumb.map((value) => 255 - value)), null)
    assert.equal(readBarcode(thumb.map(() => 128)), null)
  }
})

test('a film upside down or mirrored does not read as a film', () => {
  const film = [...paint({ numbers: numbers.slice(0, 350) })].map((frame) => thumbOf(frame))
  const mirrored = film.map((thumb) => thumb.map((_, at) => thumb[at + THUMB.width - 1 - 2 * (at % THUMB.width)] ?? 0))
  for (const wrong of [mirrored, film.map((thumb) => thumb.toReversed())]) {
    const read = wrong.filter((thumb, at) => readBarcode(thumb) === at)
    assert.ok(read.length < 20, `${read.length} of 350`)
  }
})

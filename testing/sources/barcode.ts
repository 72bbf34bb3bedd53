/**
 * A frame's number, drawn into the picture so that it survives scaling, 4:2:0, tone mapping, deinterlacing and coarse
 * quantisers: 8 × 4 big blocks over the upper half. The first 16 hold 12 bits of the number and 4 check bits, the last
 * 16 the opposite of each, mirrored, so that a block and its opposite are far apart. A bit is read by *comparing* the
 * two, never against an absolute level: range and transfer do not matter.
 *
 * A picture whose blocks disagree (a concealed or blended frame, a picture on its side) reads as null, not as a guess.
 */

export const COLUMNS = 8
export const ROWS = 4
/** Numbers are below this: 12 bits. */
export const NUMBERS = 4096
/** Barcodes are read from pictures scaled to this size, grey: a block is 8 × 6 samples. */
export const THUMB = { width: 64, height: 48 } as const
export const THUMB_BYTES = THUMB.width * THUMB.height

const BITS = (COLUMNS * ROWS) / 2
/** Full-range grey levels apart. Black and white are ~255 apart, after tone mapping ~200; a half-blended block is not. */
const CONTRAST_MIN = 48

/** The blocks of a number, left to right and top to bottom: true is white. */
export function barcodeCells(number: number): readonly boolean[] {
  if (!Number.isInteger(number) || number < 0 || number >= NUMBERS) throw new RangeError(`frame number ${number}`)
  const word = (number << 4) | checkBits(number)
  const bits = Array.from({ length: BITS }, (_, bit) => ((word >> bit) & 1) === 1)
  return [...bits, ...bits.toReversed().map((bit) => !bit)]
}

/** The number in a grey picture of `THUMB` size; null where there is no clean barcode. */
export function readBarcode(thumb: Uint8Array): number | null {
  let word = 0
  for (let bit = 0; bit < BITS; bit++) {
    const difference = cellMean(thumb, bit) - cellMean(thumb, 2 * BITS - 1 - bit)
    if (Math.abs(difference) < CONTRAST_MIN) return null
    if (difference > 0) word |= 1 << bit
  }
  const number = word >> 4
  return (word & 15) === checkBits(number) ? number : null
}

/** A remainder: unlike a parity, it differs for the inverted number, so that a negative picture does not read as another. */
const checkBits = (number: number): number => number % 13

/** Mean of a block's inside: its edges belong half to the neighbour after scaling. */
function cellMean(thumb: Uint8Array, cell: number): number {
  const width = THUMB.width / COLUMNS
  const height = THUMB.height / 2 / ROWS
  const left = (cell % COLUMNS) * width
  const top = Math.floor(cell / COLUMNS) * height
  let sum = 0
  for (let y = top + 2; y < top + height - 2; y++) {
    for (let x = left + 2; x < left + width - 2; x++) sum += thumb[y * THUMB.width + x] ?? 0
  }
  return sum / ((width - 4) * (height - 4))
}

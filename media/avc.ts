/**
 * What the parameter set of an H.264 stream says of its pictures, and what the units of a packet are. ITU-T H.264, 7.3 and annex E;
 * ISO/IEC 14496-15 for the record of MP4. Pure. Files are hostile: what cannot be read is `null`.
 */
import { Bits } from './bits.ts'

/** The facts of a sequence of pictures. */
export interface Sequence {
  /** Whether every picture is a whole frame, and none is said to be shown otherwise. */
  readonly isProgressive: boolean
  /** Whether pictures are decoded in the order in which they are shown. */
  readonly isInOrder: boolean
}

/** Profiles with chroma and scaling in their parameter sets. */
const HIGH: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])
const BASELINE = 66
const SQUARE_EXTENDED = 255

/** The sequence of a decoder configuration record (`avcC`) with lengths of 4 bytes and one parameter set; null for any other. */
export function sequenceOf(record: Buffer): Sequence | null {
  if (record.length < 8 || (record[4]! & 3) !== 3 || (record[5]! & 31) !== 1) return null
  const set = record.subarray(8, 8 + record.readUInt16BE(6))
  try {
    return readSequence(new Bits(set.subarray(1)))
  } catch {
    return null
  }
}

function readSequence(bits: Bits): Sequence | null {
  const profile = bits.take(8)
  bits.take(16)
  bits.unsigned()
  if (HIGH.has(profile)) {
    if (bits.unsigned() === 3) bits.take(1)
    bits.unsigned()
    bits.unsigned()
    bits.take(1)
    const hasScaling = bits.take(1) === 1
    if (hasScaling) return null
  }
  bits.unsigned()
  const order = bits.unsigned()
  if (order === 0) bits.unsigned()
  if (order === 1) return null
  bits.unsigned()
  const mayHaveGaps = bits.take(1) === 1
  bits.unsigned()
  bits.unsigned()
  const areFrames = bits.take(1) === 1
  bits.take(1)
  if (bits.take(1) === 1) for (let edge = 0; edge < 4; edge++) bits.unsigned()
  const shown = bits.take(1) === 1 ? readShown(bits) : { isStructured: false, reordered: null }
  return {
    isProgressive: areFrames && !mayHaveGaps && !shown.isStructured,
    isInOrder: profile === BASELINE || order === 2 || shown.reordered === 0,
  }
}

/** Of the usability information: whether pictures say how they are shown, and how many may be shown after later ones (null: not said). */
function readShown(bits: Bits): { isStructured: boolean; reordered: number | null } {
  if (bits.take(1) === 1 && bits.take(8) === SQUARE_EXTENDED) bits.take(32)
  if (bits.take(1) === 1) bits.take(1)
  if (bits.take(1) === 1) {
    bits.take(4)
    if (bits.take(1) === 1) bits.take(24)
  }
  if (bits.take(1) === 1) {
    bits.unsigned()
    bits.unsigned()
  }
  if (bits.take(1) === 1) {
    bits.take(32)
    bits.take(32)
    bits.take(1)
  }
  const [nal, vcl] = [skipBuffer(bits), skipBuffer(bits)]
  if (nal || vcl) bits.take(1)
  const isStructured = bits.take(1) === 1
  if (bits.take(1) === 0) return { isStructured, reordered: null }
  bits.take(1)
  for (let field = 0; field < 4; field++) bits.unsigned()
  return { isStructured, reordered: bits.unsigned() }
}

/** Passes the parameters of a hypothetical decoder's buffer; answers whether there are any. */
function skipBuffer(bits: Bits): boolean {
  if (bits.take(1) === 0) return false
  const count = bits.unsigned() + 1
  bits.take(8)
  for (let at = 0; at < count; at++) {
    bits.unsigned()
    bits.unsigned()
    bits.take(1)
  }
  bits.take(20)
  return true
}

/** A packet, by its first picture unit. */
export interface PictureStart {
  /** Whether nothing before it is needed to decode it and all that follow. */
  readonly isRefresh: boolean
}

const [SLICE, REFRESH, INFORMATION, DELIMITER] = [1, 5, 6, 9]
const LENGTH_BYTES = 4

/**
 * The first picture unit of a packet by its first bytes `head`, with lengths of 4 bytes: null where it begins no picture, where other units
 * than delimiters and information without closed captions stand before it, and where it is not within `head`.
 */
export function pictureStart(head: Buffer): PictureStart | null {
  for (let at = 0; at + LENGTH_BYTES + 2 <= head.length; ) {
    const end = at + LENGTH_BYTES + head.readUInt32BE(at)
    const kind = head[at + LENGTH_BYTES]! & 31
    // The number of its first macroblock is 0, whose code is a single 1.
    const beginsPicture = (head[at + LENGTH_BYTES + 1]! & 0x80) !== 0
    if (kind === SLICE || kind === REFRESH) return beginsPicture ? { isRefresh: kind === REFRESH } : null
    const isCaptions = kind === INFORMATION && head.subarray(at, end).includes('GA94')
    if (isCaptions || (kind !== INFORMATION && kind !== DELIMITER)) return null
    at = end
  }
  return null
}

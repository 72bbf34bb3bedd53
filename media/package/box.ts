/** Writes boxes of the ISO base media file format. Pure. ISO/IEC 14496-12. */

/** A box of these parts; `type` has four letters. */
export function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const bytes = parts.reduce((sum, part) => sum + part.length, 8)
  return Buffer.concat([u32(bytes), Buffer.from(type, 'latin1'), ...parts])
}

/** A box that has the number of a version (`version`) and 24 bits (`flags`) before its parts. */
export const fullBox = (type: string, version: number, flags: number, ...parts: readonly Buffer[]): Buffer =>
  box(type, u32(version * 2 ** 24 + flags), ...parts)

/** A 16-bit number. */
export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

/** A 32-bit number. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A 64-bit number, of whole numbers that a double holds. */
export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** So many 32-bit numbers, each taken as unsigned or, below 0, in two's complement. */
export function u32s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * at)
  return bytes
}

/** Three letters of 5 bits each. */
export const packedLanguage = (language: string): number =>
  [...(/^[a-z]{3}$/.test(language) ? language : 'und')].reduce(
    (bits, letter) => bits * 32 + letter.charCodeAt(0) - 0x60,
    0,
  )

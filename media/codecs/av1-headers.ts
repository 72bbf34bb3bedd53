/**
 * Writes into AV1 what libaom leaves out or guesses: the level, for which it takes 30 pictures a second, and the HDR data, as metadata of each keyframe.
 * Everything else stays as the encoder wrote it. AV1 specification, 5.3 (OBUs), 5.5 (sequence header), 5.8 (metadata), annex A (levels). Pure.
 */
import type { HdrData } from '../../protocol/hdr.ts'
import { u16, u32 } from '../package/box.ts'
import type { AmendJob, Amendment } from './codec.ts'

const [SEQUENCE_HEADER, METADATA] = [1, 5]
const [LIGHT, MASTERING] = [1, 2]
const [HAS_EXTENSION, HAS_SIZE] = [4, 2]
/** Bytes of the record before its OBUs. */
const RECORD_BYTES = 4
/** Where the sequence header of a film with one operating point has its level, bits; the bit of the tier follows from level 4.0 on. */
const LEVEL_AT = 24
const LEVEL_BITS = 5
const TIER_FROM = 8

/** How the keyframes and the record of an encode are changed. Throws `RangeError` where they are not what libaom writes. */
export function amendAv1({ hdr, ...picture }: AmendJob): Amendment {
  const level = levelOf(picture)
  const metadata = metadataObus(hdr)
  return {
    record(av1C) {
      const head = Buffer.from(av1C.subarray(0, RECORD_BYTES))
      head[1] = (head[1]! & 0xe0) | level
      head[2]! &= 0x7f
      return Buffer.concat([head, withLevel(av1C.subarray(RECORD_BYTES), level, [])])
    },
    keyframe: (sample) => withLevel(sample, level, metadata),
  }
}

/** OBUs with that level in their sequence header, and others behind it. */
function withLevel(obus: Buffer, level: number, added: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < obus.length; ) {
    const { type, payload, end } = readObu(obus, at)
    if (type === SEQUENCE_HEADER) parts.push(obu(type, headerAt(payload, level)), ...added)
    else parts.push(obus.subarray(at, end))
    at = end
  }
  return Buffer.concat(parts)
}

function readObu(from: Buffer, at: number): { type: number; payload: Buffer; end: number } {
  const head = from.readUInt8(at)
  if ((head & HAS_SIZE) === 0) throw new RangeError('an OBU without a size')
  let [start, length] = [at + ((head & HAS_EXTENSION) === 0 ? 1 : 2), 0]
  for (let shift = 0, more = true; more; shift += 7) {
    const byte = from.readUInt8(start++)
    length += (byte & 0x7f) * 2 ** shift
    more = byte > 0x7f
  }
  const end = start + length
  if (end > from.length) throw new RangeError('an OBU is cut off')
  return { type: (head >> 3) & 15, payload: from.subarray(start, end), end }
}

/** An OBU of less than 128 bytes. */
const obu = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(type << 3) | HAS_SIZE, payload.length]), payload])

/** A sequence header at another level, of the main tier: a bit longer or shorter where only one of both has a tier. */
function headerAt(payload: Buffer, level: number): Buffer {
  const bits = [...payload].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  // Neither reduced, nor with times, decoder model or more than one operating point: then the level lies elsewhere.
  if (!/^...0{9}/.test(bits)) throw new RangeError('a sequence header of another form')
  const old = Number.parseInt(bits.slice(LEVEL_AT, LEVEL_AT + LEVEL_BITS), 2)
  const rest = LEVEL_AT + LEVEL_BITS + (old >= TIER_FROM ? 1 : 0)
  const written = level.toString(2).padStart(LEVEL_BITS, '0') + (level >= TIER_FROM ? '0' : '')
  // A 1 and zeros up to the next byte are its end.
  const made = bits.slice(0, LEVEL_AT) + written + bits.slice(rest, bits.lastIndexOf('1') + 1)
  const bytes = made.padEnd(8 * Math.ceil(made.length / 8), '0').match(/.{8}/g)!
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)))
}

/** Parts of 1, and of 1 cd/m², in which `Mastering` and AV1 count. */
const [CHROMA, LUMINANCE] = [65_536 / 50_000, [2 ** 8 / 10_000, 2 ** 14 / 10_000]] as const
const END = Buffer.from([0x80])

function metadataObus({ mastering, light }: HdrData): Buffer[] {
  const points = mastering && [mastering.red, mastering.green, mastering.blue, mastering.white].flat()
  const luminance = mastering?.luminance.map((value, at) => u32(Math.round(value * LUMINANCE[at]!))) ?? []
  const metadata = (type: number, ...body: readonly Buffer[]) =>
    obu(METADATA, Buffer.concat([Buffer.from([type]), ...body, END]))
  return [
    ...(light ? [metadata(LIGHT, u16(light.pixel), u16(light.frame))] : []),
    ...(points ? [metadata(MASTERING, ...points.map((value) => u16(Math.round(value * CHROMA))), ...luminance)] : []),
  ]
}

/** Levels by their index, with the largest number of samples of a picture and of a second, and the largest sides. */
const LEVELS = [
  [0, 147_456, 4_423_680, 2048, 1152], [1, 278_784, 8_363_520, 2816, 1584], [4, 665_856, 19_975_680, 4352, 2448],
  [5, 1_065_024, 31_950_720, 5504, 3096], [8, 2_359_296, 70_778_880, 6144, 3456], [9, 2_359_296, 141_557_760, 6144, 3456],
  [12, 8_912_896, 267_386_880, 8192, 4352], [13, 8_912_896, 534_773_760, 8192, 4352], [14, 8_912_896, 1_069_547_520, 8192, 4352],
  [16, 35_651_584, 1_069_547_520, 16_384, 8704], [17, 35_651_584, 2_139_095_040, 16_384, 8704], [18, 35_651_584, 4_278_190_080, 16_384, 8704],
] as const // biome-ignore format: groups
/** That of a picture which no level allows. */
const NONE = 31

function levelOf({ width, height, fps: [numerator, denominator] }: Omit<AmendJob, 'hdr'>): number {
  const samples = width * height
  const perSecond = (samples * numerator) / denominator
  return (
    LEVELS.find(
      ([, picture, second, widest, highest]) =>
        samples <= picture && perSecond <= second && width <= widest && height <= highest,
    )?.[0] ?? NONE
  )
}

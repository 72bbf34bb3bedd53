/**
 * How long the head of a slice of H.264 is: the bytes that Common Encryption leaves clear, as decoders in hardware read them before anything is
 * decrypted. ITU-T H.264, 7.3.2 and 7.3.3. Pure.
 */
import { AttemptFailed } from '../../protocol/errors.ts'
import { Bits } from '../bits.ts'
import type { SliceHeads } from './codec.ts'

/** More bytes than the head of a slice has. */
const HEAD_BYTES_MAX = 512
const [SLICE, REFRESH, PICTURE_SET] = [1, 5, 8]
/** Profiles with chroma in their parameter sets. */
const HIGH: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** Reads the slices of a stream with these parameter sets. Throws `AttemptFailed('build_cannot')` for a form that encoders here do not make. */
export function avcSliceHeads(sets: readonly Buffer[]): SliceHeads {
  const pictures = sets.filter((set) => kindOf(set) === PICTURE_SET)
  if (sets.length !== 2 || pictures.length !== 1) throw cannot()
  const sequence = sequenceOf(new Bits(sets.find((set) => kindOf(set) !== PICTURE_SET)!.subarray(1)))
  const picture = pictureOf(new Bits(pictures[0]!.subarray(1)))
  return (unit) => {
    const kind = kindOf(unit)
    if (kind !== SLICE && kind !== REFRESH) return unit.length
    const bits = new Bits(unit.subarray(1, HEAD_BYTES_MAX))
    try {
      passHead(bits, { ...sequence, ...picture, isRefresh: kind === REFRESH, isReference: (unit[0]! & 0x60) !== 0 })
    } catch (error) {
      throw new AttemptFailed('verify_failed', 'the head of a slice cannot be read', { cause: error })
    }
    return 1 + bits.bytesRead
  }
}

const kindOf = (unit: Buffer): number => unit.readUInt8(0) & 31

const cannot = (): AttemptFailed =>
  new AttemptFailed('build_cannot', 'pictures of this form cannot be encrypted by this version')

/** What the heads of slices follow from. */
interface Sequence {
  /** 0: no chroma. */
  readonly chroma: number
  readonly hasPlanes: boolean
  readonly frameNumberBits: number
  readonly order: number
  readonly orderBits: number
  readonly hasOrderDeltas: boolean
  readonly areFrames: boolean
}

function sequenceOf(bits: Bits): Sequence {
  const profile = bits.take(8)
  bits.take(16)
  bits.unsigned()
  let [chroma, hasPlanes] = [1, false]
  if (HIGH.has(profile)) {
    chroma = bits.unsigned()
    if (chroma === 3) hasPlanes = bits.flag()
    bits.unsigned()
    bits.unsigned()
    bits.take(1)
    const hasScaling = bits.flag()
    if (hasScaling) throw cannot()
  }
  const frameNumberBits = bits.unsigned() + 4
  const order = bits.unsigned()
  const orderBits = order === 0 ? bits.unsigned() + 4 : 0
  const hasOrderDeltas = order === 1 && !bits.flag()
  if (order === 1) for (let left = passOrders(bits); left > 0; left--) bits.unsigned()
  bits.unsigned()
  bits.take(1)
  bits.unsigned()
  bits.unsigned()
  return {
    chroma: hasPlanes ? 0 : chroma,
    hasPlanes,
    frameNumberBits,
    order,
    orderBits,
    hasOrderDeltas,
    areFrames: bits.flag(),
  }
}

/** Two offsets; answers the number of those that follow. */
function passOrders(bits: Bits): number {
  bits.unsigned()
  bits.unsigned()
  return bits.unsigned()
}

interface Picture {
  readonly isArithmetic: boolean
  readonly hasFieldOrder: boolean
  /** References of a slice that does not say it, of each list. */
  readonly references: readonly [number, number]
  readonly isWeighted: boolean
  /** 1: two references have weights of their own. */
  readonly bothWeighted: number
  readonly hasFilter: boolean
  readonly isRedundant: boolean
}

function pictureOf(bits: Bits): Picture {
  bits.unsigned()
  bits.unsigned()
  const [isArithmetic, hasFieldOrder] = [bits.flag(), bits.flag()]
  const groups = bits.unsigned()
  if (groups > 0) throw cannot()
  const references = [bits.unsigned() + 1, bits.unsigned() + 1] as const
  const [isWeighted, bothWeighted] = [bits.flag(), bits.take(2)]
  for (let number = 0; number < 3; number++) bits.unsigned()
  const hasFilter = bits.flag()
  bits.take(1)
  return { isArithmetic, hasFieldOrder, references, isWeighted, bothWeighted, hasFilter, isRedundant: bits.flag() }
}

type Slice = Sequence & Picture & { readonly isRefresh: boolean; readonly isReference: boolean }
/** `slice_type`, modulo 5. */
const [B, I, SP, SI] = [1, 2, 3, 4]

function passHead(bits: Bits, slice: Slice): void {
  bits.unsigned()
  const type = bits.unsigned() % 5
  bits.unsigned()
  if (slice.hasPlanes) bits.take(2)
  passOrder(bits, slice)
  if (slice.isRedundant) bits.unsigned()
  if (type === B) bits.take(1)
  const lists = type === I || type === SI ? 0 : type === B ? 2 : 1
  const references =
    lists > 0 && bits.flag()
      ? Array.from({ length: lists }, () => bits.unsigned() + 1)
      : slice.references.slice(0, lists)
  for (const _ of references) passModification(bits)
  if (type === B ? slice.bothWeighted === 1 : lists > 0 && slice.isWeighted)
    passWeights(bits, references, slice.chroma > 0)
  if (slice.isReference) passMarking(bits, slice.isRefresh)
  if (slice.isArithmetic && lists > 0) bits.unsigned()
  bits.unsigned()
  if (type === SP) bits.take(1)
  if (type === SP || type === SI) bits.unsigned()
  // An offset for two thresholds, unless there is no filter.
  if (slice.hasFilter && bits.unsigned() !== 1) for (let offset = 0; offset < 2; offset++) bits.unsigned()
}

function passOrder(
  bits: Bits,
  { frameNumberBits, areFrames, isRefresh, order, orderBits, hasFieldOrder, hasOrderDeltas }: Slice,
): void {
  bits.take(frameNumberBits)
  const isField = !areFrames && bits.flag()
  if (isField) bits.take(1)
  if (isRefresh) bits.unsigned()
  if (order === 0) bits.take(orderBits)
  if (order === 0 && hasFieldOrder && !isField) bits.unsigned()
  if (hasOrderDeltas) bits.unsigned()
  if (hasOrderDeltas && hasFieldOrder && !isField) bits.unsigned()
}

/** How a list of references differs from the usual one: operations, up to 3. */
function passModification(bits: Bits): void {
  if (bits.flag()) while (bits.unsigned() !== 3) bits.unsigned()
}

function passWeights(bits: Bits, references: readonly number[], hasChroma: boolean): void {
  bits.unsigned()
  if (hasChroma) bits.unsigned()
  for (const count of references)
    for (let reference = 0; reference < count; reference++)
      for (const numbers of hasChroma ? [2, 4] : [2])
        if (bits.flag()) for (let number = 0; number < numbers; number++) bits.unsigned()
}

/** Which pictures are references from here on: operations with so many numbers, up to 0. */
const OPERANDS: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 1, 5: 0, 6: 1 }
function passMarking(bits: Bits, isRefresh: boolean): void {
  if (isRefresh) return void bits.take(2)
  if (!bits.flag()) return
  for (let operation = bits.unsigned(); operation !== 0; operation = bits.unsigned())
    for (let number = OPERANDS[operation] ?? 0; number > 0; number--) bits.unsigned()
}

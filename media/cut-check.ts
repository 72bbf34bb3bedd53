/**
 * Compares a copied chunk with the index of its source, packet by packet. Pure.
 */
import type { CutRange } from './chunk-plan.ts'
import type { Container, CutPlan, Shift } from './cut-formats.ts'
import type { Packets } from './packet-index.ts'
import { rescale } from './rational.ts'

/** What a copy is: as the index says, with other times or packets, with other bytes at the same times, or with pictures missing. */
export type CopyVerdict = 'same' | 'other times' | 'other bytes' | 'fewer pictures'

/** A copy to compare. */
export interface Copy {
  readonly packets: Packets
  readonly index: Packets
  readonly range: CutRange
  readonly plan: Pick<CutPlan, 'time_base'>
  readonly shift: Shift
  readonly container: Container
}

/**
 * Whether the packets of a copy equal those of the index, from a keyframe not after the first of the range to at least its last. NUT keeps
 * bytes as they are, and its time bases are never coarse; in other containers every time must be exact.
 */
export function compareCopy({ packets, index, range, plan, shift, container }: Copy): CopyVerdict {
  const { timeBase } = packets
  const isNut = container === 'nut'
  if (timeBase === null || packets.pts.length === 0) return 'other times'
  const moved = (at: number) => rescale(index.pts[at]! + shift.ticks, plan.time_base, timeBase, shift.seconds)
  const isExact = (at: number) =>
    rescale(moved(at), timeBase, plan.time_base, -shift.seconds) - shift.ticks === index.pts[at]
  let first = range.first
  while (first >= 0 && (Number.isNaN(index.pts[first]!) || moved(first) !== packets.pts[0])) first--
  if (first < 0 || first + packets.pts.length < range.last) return 'other times'
  const holdsTime = (time: number, at: number) => {
    const expected = index.pts[at]
    if (expected === undefined || Number.isNaN(expected)) return true
    if (Number.isNaN(time)) return isNut
    return moved(at) === time && (isNut || isExact(at))
  }
  if (!packets.pts.every((time, at) => holdsTime(time, first + at))) return 'other times'
  return !isNut || sameBytes(packets, index, first) ? 'same' : 'other bytes'
}

/** Whether the packets of a copy have the sizes and hashes of those of the index from `first` on. */
function sameBytes(copy: Packets, index: Packets, first: number): boolean {
  const equal = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined || Number.isNaN(a) || Number.isNaN(b) || a === b
  return copy.hash.every(
    (hash, at) => equal(hash, index.hash[first + at]) && equal(copy.size[at], index.size[first + at]),
  )
}

/** Whether two readings of a source have found the same packets. */
export function samePackets(a: Packets, b: Packets): boolean {
  const columns = ['pts', 'dts', 'size', 'hash'] as const
  return columns.every((column) => {
    const [these, those] = [a[column], b[column]]
    return these.length === those.length && these.every((value, at) => Object.is(value, those[at]))
  })
}

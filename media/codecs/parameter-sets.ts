/** Reading of the parameter sets in MP4's decoder configuration records, ISO/IEC 14496-15. Pure. */

/** Appends the NAL unit at byte `at`, which follows a 16-bit length, to `sets`; answers the position of the next. Throws `RangeError` where it is truncated. */
export function takeSet(record: Buffer, at: number, sets: Buffer[]): number {
  const end = at + 2 + record.readUInt16BE(at)
  if (end > record.length) throw new RangeError('a parameter set is cut off')
  sets.push(record.subarray(at + 2, end))
  return end
}

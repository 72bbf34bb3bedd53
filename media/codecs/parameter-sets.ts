/** Reading of the parameter sets in MP4's decoder configuration records, ISO/IEC 14496-15. Pure. */

/** One NAL unit behind a length of 16 bits at `at` is put into `sets`. Answers where the next begins. */
export function takeSet(record: Buffer, at: number, sets: Buffer[]): number {
  const end = at + 2 + record.readUInt16BE(at)
  if (end > record.length) throw new RangeError('a parameter set is cut off')
  sets.push(record.subarray(at + 2, end))
  return end
}

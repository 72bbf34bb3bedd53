/**
 * Fragments of a track: a `moof` box and the samples that follow it. They depend on nothing but the samples of one chunk and where it lies in
 * the film, so that a fragment is the same whether it is made for the finished package or for a player that watches while the film is
 * encoded, and on any peer. Pure. ISO/IEC 14496-12 and 23000-19 (CMAF).
 */
import { box, fullBox, u32, u32s, u64 } from './box.ts'

/** A sample in decode order; times in ticks of the track. */
export interface FragmentSample {
  /** When it is shown, ticks from the beginning of the results. */
  readonly time: number
  readonly bytes: number
  readonly isKey: boolean
}

/** The samples of one fragment: the first is a keyframe, and none refers to another fragment. */
export interface FragmentSamples {
  /** At least one, in decode order. */
  readonly samples: readonly FragmentSample[]
  /** When the last one shown ends, ticks. */
  readonly end: number
  /** How long a sample is decoded before it is shown at least, ticks: what the edit list of the track takes off again. */
  readonly delay: number
  /** Rises within a track, not always by one. */
  readonly sequence: number
}

/** `sample_depends_on` says: on none, as a keyframe does; or on others, and it is no sync sample. */
const [KEY, NOT_KEY] = [0x02000000, 0x01010000]
/** Flags of `tfhd`: offsets count from the `moof`; default duration, size and flags of the samples are there. */
const [BASE_IS_MOOF, DEFAULT_DURATION, DEFAULT_FLAGS] = [0x020000, 0x08, 0x20]
/** Flags of `trun`: what it holds for the run, and for each sample. */
const [DATA_OFFSET, FIRST_FLAGS, DURATIONS, SIZES, SAMPLE_FLAGS, OFFSETS] = [0x01, 0x04, 0x100, 0x200, 0x400, 0x800]

/**
 * The `moof` of a fragment and the header of its `mdat`; the bytes of the samples follow. Decode times are those at which pictures are shown,
 * in order: they have no gaps where pictures are shown at uneven times, and do not depend on what an encoder or a muxer made of them.
 */
export function fragmentHead({ samples, end, delay, sequence }: FragmentSamples): Buffer {
  const decoded = samples.map(({ time }) => time).sort((a, b) => a - b)
  const durations = decoded.map((time, at) => (decoded[at + 1] ?? end) - time)
  const offsets = samples.map(({ time }, at) => time - decoded[at]! + delay)
  const duration = same(durations)
  const [, ...rest] = samples
  const isPlain = rest.every(({ isKey }) => isKey) || rest.every(({ isKey }) => !isKey)
  const [hasDurations, hasOffsets] = [duration === null, offsets.some((offset) => offset !== 0)]
  const perSample = (at: number): number[] => [
    ...(hasDurations ? [durations[at]!] : []),
    samples[at]!.bytes,
    ...(isPlain ? [] : [samples[at]!.isKey ? KEY : NOT_KEY]),
    ...(hasOffsets ? [offsets[at]!] : []),
  ]
  const head = fullBox(
    'tfhd',
    0,
    BASE_IS_MOOF + (hasDurations ? 0 : DEFAULT_DURATION) + DEFAULT_FLAGS,
    u32s([1, ...(duration === null ? [] : [duration]), rest.every(({ isKey }) => isKey) ? KEY : NOT_KEY]),
  )
  const flags =
    DATA_OFFSET +
    (isPlain ? FIRST_FLAGS : SAMPLE_FLAGS) +
    (hasDurations ? DURATIONS : 0) +
    SIZES +
    (hasOffsets ? OFFSETS : 0)
  const moof = (dataOffset: number) =>
    box(
      'moof',
      fullBox('mfhd', 0, 0, u32(sequence)),
      box(
        'traf',
        head,
        fullBox('tfdt', 1, 0, u64(decoded[0]!)),
        // Version 1: an offset below 0 is allowed.
        fullBox(
          'trun',
          1,
          flags,
          u32s([samples.length, dataOffset, ...(isPlain ? [KEY] : []), ...samples.flatMap((_, at) => perSample(at))]),
        ),
      ),
    )
  const mdat = u32(samples.reduce((sum, { bytes }) => sum + bytes, 8))
  return Buffer.concat([moof(moof(0).length + 8), mdat, Buffer.from('mdat', 'latin1')])
}

/** The bytes of each sample, by the body of such a `trun`. */
export function sizesOf(trun: Buffer): number[] {
  const flags = trun.readUIntBE(1, 3)
  const fields = [DURATIONS, SIZES, SAMPLE_FLAGS, OFFSETS].filter((flag) => (flags & flag) !== 0)
  const first = 12 + ((flags & FIRST_FLAGS) !== 0 ? 4 : 0) + 4 * fields.indexOf(SIZES)
  return Array.from({ length: trun.readUInt32BE(4) }, (_, at) => trun.readUInt32BE(first + 4 * fields.length * at))
}

/** The number that all have in common; null where they differ. */
const same = (numbers: readonly number[]): number | null =>
  numbers.every((number) => number === numbers[0]) ? numbers[0]! : null

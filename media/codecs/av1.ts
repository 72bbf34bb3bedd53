/**
 * AV1 by SVT-AV1, and by libaom where there is none. Bytes are equal within a version of either library only, which is its build family: two of
 * them never share a rendition.
 *
 * SVT-AV1 makes forced keyframes with a constant quality only, capped or not, so that an average bit rate is refused. Version 1.4 makes none
 * unless it is asked to, without a word; later ones always do.
 */
import type { HdrData, Mastering } from '../../protocol/hdr.ts'
import { decimal, integer, plainWord } from '../commands/argument.ts'
import { amendAv1 } from './av1-headers.ts'
import type { Codec, Encoder, EncoderJob } from './codec.ts'
import { cappedRateArgs, GOP_FRAMES, rateArgs } from './encoder-args.ts'

/** No keyframes of its own but every forced one. */
const FIXED = 'scd=0:enable-force-key-frames=1'

/** SVT-AV1: `Encoder` says what each member means. */
const svt = {
  name: 'svtav1',
  library: 'libsvtav1',
  // Seconds: 69.9 40.6 18.7 12.8 8.0 5.5 3.6 2.4 1.6 (libx264 at medium 5.25 5.20, reading 0.07), at crf 35.
  presets: { 4: 14, 5: 7.9, 6: 3.6, 7: 2.5, 8: 1.5, 9: 1.1, 10: 0.69, 11: 0.45, 12: 0.29 },
  // Versions 4.1 and 4.2 show blocks of other pictures: findings/svt-av1-fast-presets.sh.
  faulty: { presets: ['10', '11', '12'], instead: '9', rightIn: ['1-4-1'] },
  threaded: { threads: 2, cores: 1.8 },
  family: {
    // SVT-AV1 itself prints its version, whatever ffmpeg's log level.
    args: ['-c:v', 'libsvtav1', '-preset', '10', '-svtav1-params', 'lp=1', '-f', 'ivf'],
    read: familyOf,
  },
  encoderArgs: ({ preset, rate, fps, hdr, threads }: EncoderJob) => [
    '-c:v', 'libsvtav1', '-preset', plainWord(preset), ...rateArgs(rate), '-g', GOP_FRAMES,
    '-svtav1-params', [`lp=${integer(threads)}`, FIXED, `fps-num=${integer(fps[0])}`, `fps-denom=${integer(fps[1])}`, ...hdrParams(hdr)].join(':'),
  ], // biome-ignore format: groups
} satisfies Encoder

/** `-cpu-used` of libaom for the presets of SVT-AV1. */
const SPEEDS: Readonly<Record<string, number>> = { 4: 5, 5: 5, 6: 5, 7: 6, 8: 7, 9: 7, 10: 8, 11: 8, 12: 8 }

/**
 * libaom, in its realtime mode: in the good one every version tried (3.2, 3.6, 3.15) makes the picture after each forced keyframe a keyframe too. Its
 * level, and what it does not say of HDR, are written over it.
 */
const aom = {
  name: 'aom',
  library: 'libaom-av1',
  presets: { 4: 2.5, 5: 2.5, 6: 2.5, 7: 1.5, 8: 1.3, 9: 1.3, 10: 1.1, 11: 1.1, 12: 1.1 },
  threaded: null,
  family: {
    // libaom says its version where ffmpeg logs more than warnings.
    args: ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-v', 'info', '-f', 'ivf'],
    read: (_, log) => /libaom-av1 @ [^\]]*\] v?(\d+\.\d+\.\d+(?:-\d+)?)/.exec(log)?.[1]?.replaceAll('.', '-') ?? null,
  },
  encoderArgs: ({ preset, rate }: EncoderJob) => [
    '-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', integer(SPEEDS[preset] ?? Number.NaN), ...cappedRateArgs(rate),
    '-threads', '1', '-row-mt', '0', '-tiles', '1x1', '-g', GOP_FRAMES,
  ], // biome-ignore format: groups
  amend: amendAv1,
} satisfies Encoder

/** The codec `av1`: `Codec` says what each member means. */
export const av1 = {
  name: 'av1',
  encoders: [svt, aom],
  required: false,
  crf: { min: 1, max: 63 },
  leastKbps: 8,
  averages: false,
  leastSide: 64,
  bitDepths: [8, 10],
  profiles: { main: [8, 10] },
  // No quicker one shows every picture right in all builds.
  trial: { rate: { crf: 35 }, preset: '8' },
  bitstream: [],
  captions: false,
  tag: null,
  entry: 'av01',
  configuration: 'av1C',
  matroska: { codecId: 'V_AV1', isConfigured: true },
  parameterSets,
  manifestName,
  // A picture that others refer to before it is shown lies in one sample with a shown one.
  reorders: false,
  sliceHeads: null,
  setLevel: null,
} satisfies Codec

/** The HDR data as metadata of each keyframe. SVT-AV1 takes fractions of 1 and cd/m², and rounds them to 1/65,536 and 1/16,384. */
function hdrParams({ mastering, light }: HdrData): string[] {
  const pair = ([x, y]: readonly [number, number], parts: number): string =>
    `(${decimal(x / parts)},${decimal(y / parts)})`
  const display = (of: Mastering): string =>
    `G${pair(of.green, 50_000)}B${pair(of.blue, 50_000)}R${pair(of.red, 50_000)}WP${pair(of.white, 50_000)}L${pair(of.luminance, 10_000)}`
  return [
    ...(mastering ? [`mastering-display=${display(mastering)}`] : []),
    ...(light ? [`content-light=${integer(light.pixel)},${integer(light.frame)}`] : []),
  ]
}

/** `4-1-0` of "v4.1.0"; a build between versions also says how many changes it is behind: `4-2-0-151`. */
function familyOf(_: Buffer, log: string): string | null {
  const version = /SVT-AV1 Encoder Lib v(\d+(?:[.-]\d+)*)/.exec(log)?.[1]
  return version?.replaceAll('.', '-') ?? null
}

const SEQUENCE_HEADER = 1
const HAS_SIZE = 2

/** The four bytes of the record that say what a decoder needs, and the sequence header, the OBU behind them. AV1 in ISO BMFF, 2.3. */
function parameterSets(av1C: Buffer): Buffer[] {
  const head = av1C.readUInt8(4)
  if (((head >> 3) & 15) !== SEQUENCE_HEADER || (head & HAS_SIZE) === 0) return []
  const end = 6 + av1C.readUInt8(5)
  if (end > av1C.length) throw new RangeError('the sequence header is cut off')
  return [av1C.subarray(0, 4), av1C.subarray(4, end)]
}

/** `av01.0.08M.10`: profile, level and tier, bits. AV1 in ISO BMFF, 5. */
function manifestName(av1C: Buffer): string {
  const [first, second] = [av1C.readUInt8(1), av1C.readUInt8(2)]
  const level = String(first & 31).padStart(2, '0')
  return `av01.${first >> 5}.${level}${second & 0x80 ? 'H' : 'M'}.${second & 0x40 ? '10' : '08'}`
}

/**
 * VP9 by libvpx. Its bytes are equal within a build family only. It has no parameter sets: what must be equal is the record that describes a
 * stream, but for the level, which ffmpeg guesses from the rate of each chunk. The encode writes the one of the plan over it.
 */
import { plainWord } from '../commands/argument.ts'
import type { Codec, EncoderJob } from './codec.ts'
import { cappedRateArgs, GOP_FRAMES } from './encoder-args.ts'

/** One thread and pictures that refer ahead; no keyframes but forced ones, as the shortest and the longest distance are the same. */
const FIXED = [
  '-deadline', 'good', '-threads', '1', '-row-mt', '0', '-tile-columns', '1', '-lag-in-frames', '25', '-auto-alt-ref', '1',
  '-g', GOP_FRAMES, '-keyint_min', GOP_FRAMES,
] // biome-ignore format: groups

/** The codec `vp9`: `Codec` says what each member means. */
export const vp9 = {
  name: 'vp9',
  encoders: [
    {
      name: 'vpx9',
      library: 'libvpx-vp9',
      // Seconds: 24.6 20.0 15.3 13.9 13.2 (libx264 at medium 5.25 5.20, reading 0.07), at crf 32.
      presets: { 1: 4.7, 2: 3.8, 3: 2.9, 4: 2.7, 5: 2.5 },
      threaded: null,
      family: {
        // libvpx says its version where ffmpeg logs more than warnings.
        args: ['-c:v', 'libvpx-vp9', '-cpu-used', '5', '-v', 'info', '-f', 'ivf'],
        read: familyOf,
      },
      encoderArgs: ({ preset, rate }: EncoderJob) => [
        '-c:v',
        'libvpx-vp9',
        '-cpu-used',
        plainWord(preset),
        ...cappedRateArgs(rate),
        ...FIXED,
      ],
    },
  ],
  required: false,
  crf: { min: 0, max: 63 },
  leastKbps: 15,
  averages: true,
  leastSide: 2,
  bitDepths: [8, 10],
  profiles: { profile0: [8], profile2: [10] },
  trial: { rate: { crf: 40 }, preset: '5' },
  bitstream: [],
  captions: false,
  tag: null,
  entry: 'vp09',
  configuration: 'vpcC',
  matroska: { codecId: 'V_VP9', isConfigured: false },
  parameterSets,
  manifestName: (vpcC) =>
    `vp09.${[vpcC.readUInt8(4), vpcC.readUInt8(5), vpcC.readUInt8(6) >> 4].map((part) => String(part).padStart(2, '0')).join('.')}`,
  // A picture that others refer to before it is shown lies in one sample with a shown one.
  reorders: false,
  sliceHeads: null,
  setLevel: (vpcC, picture) => void vpcC.writeUInt8(levelOf(picture), 5),
} satisfies Codec

/** Where the chroma samples of 4:2:0 lie: the stream does not say it, and a merge says something else than an encode. */
const [LEFT, TOP_LEFT] = [0, 1]

/** Profile, depth, chroma, range and colour. VP codec in ISO BMFF. */
function parameterSets(vpcC: Buffer): Buffer[] {
  if (vpcC.length < 10) throw new RangeError('the record is cut off')
  const set = Buffer.concat([vpcC.subarray(4, 5), vpcC.subarray(6, 10)])
  if (((set[1]! >> 1) & 7) === LEFT) set[1]! |= TOP_LEFT << 1
  return [set]
}

/** `112` of "v1.12.0"; versions of one family write equal bytes. */
function familyOf(_: Buffer, log: string): string | null {
  const version = /libvpx-vp9 @ [^\]]*\] v(\d+\.\d+\.\d+(?:-\d+)?)/.exec(log)?.[1]
  return version === undefined ? null : (FAMILIES[version] ?? version.replaceAll('.', '-'))
}

/** Versions whose bytes were equal to those of another: docs/media.md. */
const FAMILIES: Readonly<Record<string, string>> = { '1.11.0-30': '1-12-0', '1.17.0': '1-16-0' }

/** Levels, each ×10, with the largest number of samples of a second and of a picture. VP9 levels, webmproject.org. */
const LEVELS = [
  [10, 829_440, 36_864], [11, 2_764_800, 73_728], [20, 4_608_000, 122_880], [21, 9_216_000, 245_760],
  [30, 20_736_000, 552_960], [31, 36_864_000, 983_040], [40, 83_558_400, 2_228_224], [41, 160_432_128, 2_228_224],
  [50, 311_951_360, 8_912_896], [51, 588_251_136, 8_912_896], [52, 1_176_502_272, 8_912_896],
  [60, 1_176_502_272, 35_651_584], [61, 2_353_004_544, 35_651_584],
] as const // biome-ignore format: groups
const HIGHEST = 62

function levelOf({ width, height, fps }: { width: number; height: number; fps: readonly [number, number] }): number {
  const samples = width * height
  const perSecond = (samples * fps[0]) / fps[1]
  return LEVELS.find(([, rate, picture]) => perSecond <= rate && samples <= picture)?.[0] ?? HIGHEST
}

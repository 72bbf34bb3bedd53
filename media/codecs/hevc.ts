/**
 * HEVC by libx265. Its bytes are equal within a build family only, and a little of its parameter sets differs between families, so
 * that the family is part of the class: two of them never share a rendition.
 */
import type { Preset } from '../../protocol/recipe.ts'
import { integer } from '../commands/argument.ts'
import type { Codec, EncoderJob } from './codec.ts'
import { rangeParam, rateParam, x26xArgs } from './encoder-args.ts'
import { takeSet } from './parameter-sets.ts'

/** No threads within a picture, no keyframes of its own but every forced one (x265 makes none within a second of another), no open GOPs, no SEI that names the build. */
const FIXED = 'pools=none:scenecut=0:min-keyint=1:open-gop=0:info=0:log-level=error'

/** The codec `hevc`: `Codec` says what each member means. */
export const hevc = {
  name: 'hevc',
  encoders: [
    {
      name: 'x265',
      library: 'libx265',
      // Seconds, two runs: 3.84 2.99 · 5.75 4.15 · 7.98 5.77 · 6.46 5.83 · 8.72 8.23 · 8.59 8.00 · 24.7 24.3 · 113 114 · 198 171; reading 0.08.
      presets: {
        ultrafast: 0.64,
        superfast: 0.93,
        veryfast: 1.3,
        faster: 1.2,
        fast: 1.6,
        medium: 1.6,
        slow: 4.6,
        slower: 22,
        veryslow: 35,
      } satisfies Record<Preset, number>,
      threaded: { threads: 2, cores: 1.4 },
      family: {
        // The SEI that real encodes leave out names the build.
        args: [
          '-c:v', 'libx265', '-preset', 'ultrafast',
          '-x265-params', 'pools=none:frame-threads=1:info=1:log-level=error', '-f', 'hevc',
        ], // biome-ignore format: groups
        read: familyOf,
      },
      encoderArgs: (job: EncoderJob) => [
        ...x26xArgs('libx265', job, 1),
        '-x265-params',
        [
          rateParam(job),
          `frame-threads=${integer(job.threads)}`,
          FIXED + rangeParam(job, 'range=limited'),
          ...hdrParams(job),
        ].join(':'),
      ],
    },
  ],
  required: false,
  crf: { min: 0, max: 51 },
  leastKbps: 15,
  averages: true,
  leastSide: 2,
  bitDepths: [8, 10],
  profiles: { main: [8], main10: [10] },
  trial: { rate: { crf: 23 }, preset: 'ultrafast' },
  bitstream: [],
  captions: false,
  tag: 'hvc1',
  entry: 'hvc1',
  configuration: 'hvcC',
  matroska: { codecId: 'V_MPEGH/ISO/HEVC', isConfigured: true },
  parameterSets,
  manifestName,
  reorders: true,
  sliceHeads: null,
  setLevel: null,
} satisfies Codec

/** The HDR data as SEI, which ffmpeg keeps in the decoder configuration. */
function hdrParams({ hdr: { mastering, light } }: EncoderJob): string[] {
  const pair = ([x, y]: readonly [number, number]): string => `(${integer(x)},${integer(y)})`
  return [
    ...(mastering ? [`master-display=${(['green', 'blue', 'red', 'white', 'luminance'] as const).map((name, at) => `${['G', 'B', 'R', 'WP', 'L'][at]}${pair(mastering[name])}`).join('')}`] : []),
    ...(light ? [`max-cll=${integer(light.pixel)},${integer(light.frame)}`] : []),
  ] // biome-ignore format: groups
}

/** 216 and 217 write equal bytes; an unknown build is a family of its own. */
function familyOf(file: Buffer): string | null {
  const build = /x265 \(build (\d+)\)/.exec(file.toString('latin1'))?.[1] ?? null
  return build === '217' ? '216' : build
}

/** VPS, SPS and PPS (NAL types 32–34) only: an encoder's SEI text differs where the stream does not. */
function parameterSets(hvcC: Buffer): Buffer[] {
  const sets: Buffer[] = []
  let at = 23
  for (let arrays = hvcC.readUInt8(22); arrays > 0; arrays--) {
    const kept: Buffer[] = [32, 33, 34].includes(hvcC.readUInt8(at) & 63) ? sets : []
    const count = hvcC.readUInt16BE(at + 1)
    at += 3
    for (let left = count; left > 0; left--) at = takeSet(hvcC, at, kept)
  }
  return sets
}

/** `hvc1.1.6.L93.90`: profile space and profile, compatibility bits in reverse, tier and level, constraint bytes. ISO/IEC 14496-15, annex E. */
function manifestName(hvcC: Buffer): string {
  const general = hvcC.readUInt8(1)
  const space = ['', 'A', 'B', 'C'][general >> 6]
  const bits = hvcC.readUInt32BE(2).toString(2).padStart(32, '0')
  const compatibility = Number.parseInt([...bits].reverse().join(''), 2)
    .toString(16)
    .toUpperCase()
  const constraints = [...hvcC.subarray(6, 12)].map((byte) => byte.toString(16).toUpperCase())
  while (constraints.at(-1) === '0') constraints.pop()
  const level = `${general & 32 ? 'H' : 'L'}${hvcC.readUInt8(12)}`
  return [`hvc1.${space}${general & 31}`, compatibility, level, ...constraints].join('.')
}

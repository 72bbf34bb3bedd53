/**
 * H.264 by libx264. Its bytes are equal on every build from 5.1 to 9.0 and every x86-64 level tried: with a given number of threads,
 * `cpu-independent=1`, a frame rate that is given instead of guessed, and without x264's own SEI, which names its build.
 */
import type { Preset } from '../../protocol/recipe.ts'
import { avcSliceHeads } from './avc-slices.ts'
import type { Codec, EncoderJob } from './codec.ts'
import { rangeParam, rateParam, x26xArgs } from './encoder-args.ts'
import { takeSet } from './parameter-sets.ts'

/** The codec H.264, 8 bits. */
export const h264 = {
  name: 'h264',
  encoders: [
    {
      name: 'x264',
      library: 'libx264',
      // Seconds, two runs: 0.58 0.82 · 1.11 1.50 · 1.69 2.04 · 3.06 3.11 · 4.81 4.58 · 5.64 5.01 · 7.08 7.87 · 14.2 14.0 · 27.9 25.2; reading 0.08.
      presets: {
        ultrafast: 0.12,
        superfast: 0.23,
        veryfast: 0.34,
        faster: 0.57,
        fast: 0.88,
        medium: 1,
        slow: 1.4,
        slower: 2.7,
        veryslow: 5,
      } satisfies Record<Preset, number>,
      threaded: { threads: 4, cores: 1.9 },
      family: null,
      encoderArgs: (job: EncoderJob) => [
        ...x26xArgs('libx264', job, job.threads),
        '-x264-params', `${rateParam(job)}:cpu-independent=1${rangeParam(job, 'videoformat=component')}`, '-sc_threshold', '0',
      ], // biome-ignore format: groups
    },
  ],
  required: true,
  crf: { min: 0, max: 51 },
  leastKbps: 25,
  averages: true,
  leastSide: 2,
  bitDepths: [8],
  profiles: { main: [8], high: [8] },
  trial: { rate: { crf: 23 }, preset: 'ultrafast' },
  bitstream: ['filter_units=remove_types=6'],
  captions: true,
  tag: null,
  entry: 'avc1',
  configuration: 'avcC',
  matroska: { codecId: 'V_MPEG4/ISO/AVC', isConfigured: true },
  parameterSets,
  manifestName: (avcC) => `avc1.${avcC.toString('hex', 1, 4).toUpperCase()}`,
  reorders: true,
  sliceHeads: (record) => avcSliceHeads(parameterSets(record)),
  setLevel: null,
} satisfies Codec

/** SPS, then PPS: counts in the low 5 bits of one byte and in the next whole one. */
function parameterSets(avcC: Buffer): Buffer[] {
  const sets: Buffer[] = []
  let at = 5
  for (const mask of [31, 255]) {
    for (let left = avcC.readUInt8(at++) & mask; left > 0; left--) at = takeSet(avcC, at, sets)
  }
  return sets
}

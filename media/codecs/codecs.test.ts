import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AttemptFailed } from '../../protocol/errors.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import { av1 } from './av1.ts'
import type { Codec, Encoder } from './codec.ts'
import {
  addCodec,
  codecOf,
  codecOfEntry,
  codecs,
  costOf,
  encoderWord,
  encoderWords,
  findCodec,
  missingEncoders,
  usedPreset,
  whyRefused,
} from './codecs.ts'
import { h264 } from './h264.ts'
import { hevc } from './hevc.ts'
import { vp9 } from './vp9.ts'

function without<Member extends keyof Codec>(member: Member): Omit<Codec, Member> {
  const { [member]: _, ...rest } = h264 as Codec
  return rest
}

/** For each answer a codec that lacks it. Where one of these compiles, the directive above it is the error of the type check. */
const INCOMPLETE = {
  // @ts-expect-error
  name: without('name'),
  // @ts-expect-error
  encoders: without('encoders'),
  // @ts-expect-error
  required: without('required'),
  // @ts-expect-error
  crf: without('crf'),
  // @ts-expect-error
  bitDepths: without('bitDepths'),
  // @ts-expect-error
  averages: without('averages'),
  // @ts-expect-error
  leastSide: without('leastSide'),
  // @ts-expect-error
  leastKbps: without('leastKbps'),
  // @ts-expect-error
  profiles: without('profiles'),
  // @ts-expect-error
  trial: without('trial'),
  // @ts-expect-error
  bitstream: without('bitstream'),
  // @ts-expect-error
  captions: without('captions'),
  // @ts-expect-error
  tag: without('tag'),
  // @ts-expect-error
  entry: without('entry'),
  // @ts-expect-error
  configuration: without('configuration'),
  // @ts-expect-error
  matroska: without('matroska'),
  // @ts-expect-error
  parameterSets: without('parameterSets'),
  // @ts-expect-error
  manifestName: without('manifestName'),
  // @ts-expect-error
  reorders: without('reorders'),
  // @ts-expect-error
  sliceHeads: without('sliceHeads'),
  // @ts-expect-error
  setLevel: without('setLevel'),
} satisfies Record<keyof Codec, Codec>

function encoderWithout<Member extends keyof Encoder>(member: Member): Omit<Encoder, Member> {
  const { [member]: _, ...rest } = h264.encoders[0] as Encoder
  return rest
}

const INCOMPLETE_ENCODERS = {
  // @ts-expect-error
  name: encoderWithout('name'),
  // @ts-expect-error
  library: encoderWithout('library'),
  // @ts-expect-error
  presets: encoderWithout('presets'),
  // @ts-expect-error
  threaded: encoderWithout('threaded'),
  // @ts-expect-error
  family: encoderWithout('family'),
  // @ts-expect-error
  encoderArgs: encoderWithout('encoderArgs'),
} satisfies Record<keyof Encoder, Encoder>

test('a codec, or an encoder, that leaves any one question open does not compile', () => {
  assert.deepEqual(Object.keys(INCOMPLETE_ENCODERS).sort(), Object.keys(h264.encoders[0]).sort())
  assert.deepEqual(Object.keys(INCOMPLETE).sort(), Object.keys(h264).sort())
  for (const [member, codec] of Object.entries(INCOMPLETE)) assert.equal(Object.hasOwn(codec, member), false)
})

const [SMALL] = DEFAULT_RECIPE.renditions as [Rendition, ...Rendition[]]

test('what a codec cannot do is refused in one sentence that names the rendition and what to ask for instead', () => {
  const cases: readonly (readonly [Partial<Rendition>, string | RegExp | null])[] = [
    [{}, null],
    [{ codec: 'hevc' }, null],
    [{ rate: { crf: 0 } }, null],
    [{ rate: { crf: 51 } }, null],
    [{ rate: { kbps: 800, maxrate_kbps: 1200, bufsize_kb: 1600 } }, null],
    [{ codec: 'vvc' }, 'asks for the codec "vvc", which this version does not know: use h264, hevc, av1 or vp9.'],
    [
      { codec: 'constructor' },
      'asks for the codec "constructor", which this version does not know: use h264, hevc, av1 or vp9.',
    ],
    [
      { preset: '8' },
      'asks for the preset "8", which libx264 does not have: use ultrafast, superfast, veryfast, faster, fast, medium, slow, slower or veryslow.',
    ],
    [
      { codec: 'hevc', preset: 'toString' },
      'asks for the preset "toString", which libx265 does not have: use ultrafast, superfast, veryfast, faster, fast, medium, slow, slower or veryslow.',
    ],
    [{ bit_depth: 10 }, 'asks for 10 bits, which h264 cannot have here: use 8.'],
    [{ codec: 'hevc', bit_depth: 10, profile: 'main10' }, null],
    [
      { codec: 'hevc', bit_depth: 10, profile: 'main' },
      'asks for the profile "main", which hevc does not have with 10 bits: use main10.',
    ],
    [{ codec: 'av1', preset: '8', bit_depth: 10 }, null],
    [{ codec: 'av1', preset: '8', rate: { crf: 35, maxrate_kbps: 900, bufsize_kb: 900 } }, null],
    [{ codec: 'av1' }, /^asks for the preset "medium", which libsvtav1 does not have: use .* or 12\.$/],
    [{ codec: 'av1', preset: '8', rate: { crf: 0 } }, 'asks for crf 0, which libsvtav1 does not have: use 1 to 63.'],
    [
      { codec: 'av1', preset: '8', rate: { kbps: 900 } },
      'asks for an average bit rate, which libsvtav1 cannot have here: use crf with maxrate_kbps.',
    ],
    [{ profile: 'high' }, null],
    [{ profile: 'main10' }, 'asks for the profile "main10", which h264 does not have with 8 bits: use main or high.'],
    [
      { rate: { kbps: 900, maxrate_kbps: 800, bufsize_kb: 800 } },
      'asks for at most 800 kb/s and an average of 900: use at least 900.',
    ],
    [{ rate: { kbps: 10 } }, 'asks for 10 kb/s, which is less than h264 of 854x480 can have: use at least 11.'],
    [
      { box: { width: 1920, height: 1080 }, rate: { crf: 23, maxrate_kbps: 7.8, bufsize_kb: 8 } },
      'asks for 7.8 kb/s, which is less than h264 of 1920x1080 can have: use at least 52.',
    ],
    [{ rate: { crf: 51.5 } }, 'asks for crf 51.5, which libx264 does not have: use 0 to 51.'],
    [{ rate: { kbps: 0.2 } }, 'asks for a rate or buffer of 0.2 kb: use 1 to 2000000.'],
    [
      { rate: { crf: 23, maxrate_kbps: 900, bufsize_kb: 1e12 } },
      'asks for a rate or buffer of 1000000000000 kb: use 1 to 2000000.',
    ],
  ]
  for (const [change, why] of cases) {
    const said = whyRefused({ ...SMALL, ...change })?.replace('The rendition 480p ', '') ?? null
    if (why instanceof RegExp) assert.match(said ?? '', why, JSON.stringify(change))
    else assert.equal(said, why, JSON.stringify(change))
  }
})

test('a codec of a newer peer is something that this version cannot do, no bug', () => {
  assert.equal(findCodec('av9'), null)
  assert.throws(
    () => codecOf('av9'),
    (error) => error instanceof AttemptFailed && error.code === 'build_cannot',
  )
  assert.equal(codecOfEntry('av09'), null)
})

test('a codec is added once, under names of its own, and removed again', () => {
  const withEncoders = (...names: [string, ...string[]]): Codec => {
    const [first, ...others] = names.map((name) => ({ ...h264.encoders[0], name }))
    return { ...h264, name: 'other', encoders: [first!, ...others] }
  }
  const other = withEncoders('other1', 'other2')
  for (const wrong of [
    h264,
    { ...other, name: 'h264' },
    ...['x264', 'x-1', 'X1'].map((name) => withEncoders('other1', name)),
  ])
    assert.throws(() => addCodec(wrong), TypeError)
  const remove = addCodec(other)
  assert.equal(codecOf('other'), other)
  assert.equal(whyRefused({ ...SMALL, codec: 'other' }), null)
  assert.match(whyRefused({ ...SMALL, codec: 'vvc' }) ?? '', /use h264, hevc, av1, vp9 or other\.$/)
  remove()
  assert.deepEqual(codecs(), [h264, hevc, av1, vp9])
})

test('the cost of a rendition is its megapixels by what its codec takes at its preset', () => {
  const cost = (codec: string, preset: string) => costOf({ codec, preset, width: 1280, height: 720 })
  assert.equal(cost('h264', 'medium'), 0.9216)
  for (const { name } of codecs()) {
    const costs = Object.keys(codecOf(name).encoders[0].presets).map((preset) => cost(name, preset))
    assert.ok(costs.every((value) => value > 0))
    assert.ok(Math.max(...costs) > 1.5 * Math.min(...costs), 'the slowest takes longer than the fastest')
  }
  assert.ok(cost('hevc', 'medium') > cost('h264', 'medium'))
})

test('what an encoder word list lacks is known by codec, whatever the build family', () => {
  const missing = (...words: string[]) =>
    missingEncoders(words).map(({ codec, libraries, instead }) => [codec, ...libraries, instead])
  assert.deepEqual(missing('x264', 'x265-199', 'svtav1-1-4-1-10bit', 'vpx9-1-12-0'), [])
  assert.deepEqual(missing('x264', 'svtav1-4-1-0', 'vpx9-1-12-0'), [['hevc', 'libx265', undefined]])
  assert.deepEqual(missing('x264', 'x2650', 'aom-3-6-0', 'vpx9-1-12-0'), [
    ['hevc', 'libx265', undefined],
    ['av1', 'libsvtav1', 'libaom-av1'],
  ])
  assert.deepEqual(missing('x264', 'x265-199', 'vpx9-1-12-0'), [['av1', 'libsvtav1', 'libaom-av1', undefined]])
  const words = ['x264', 'x265-199', 'x265-199-10bit']
  assert.deepEqual(encoderWords(words, { codec: 'hevc', bit_depth: 8 }), ['x265-199'])
  assert.deepEqual(encoderWords(words, { codec: 'hevc', bit_depth: 10 }), ['x265-199-10bit'])
  assert.deepEqual(encoderWords(words, { codec: 'av1', bit_depth: 10 }), [])
  assert.deepEqual(encoderWords(['aom-3-6-0', 'svtav1-4-1-0'], { codec: 'av1', bit_depth: 8 }), [
    'svtav1-4-1-0',
    'aom-3-6-0',
  ])
  assert.equal(encoderWord(hevc.encoders[0], '199', 10), 'x265-199-10bit')
  assert.equal(encoderWord(h264.encoders[0], null, 8), 'x264')
})

const nal = (bytes: number[]): number[] => [0, bytes.length, ...bytes]
const AVCC = Buffer.from([1, 100, 0, 31, 255, 0xe1, ...nal([0x67, 1, 2]), 1, ...nal([0x68, 3]), 0xfd, 0xf8, 0xf8, 0])
const AV1C = Buffer.from([0x81, 0x0d, 0, 0, 0x0a, 3, 7, 8, 9, 0x2a, 1, 5])
const HVCC = Buffer.from([
  ...new Array(22).fill(0), 4,
  0xa0, 0, 1, ...nal([0x40, 1]), 0x21, 0, 1, ...nal([0x42, 2, 3]), 0xa2, 0, 1, ...nal([0x44, 4]), 0xa7, 0, 1, ...nal([0x4e, 5]),
]) // biome-ignore format: boxes

test('of av1C the head and the sequence header are read, and none where it has none', () => {
  assert.deepEqual(
    av1.parameterSets(AV1C).map((set) => [...set]),
    [
      [0x81, 0x0d, 0, 0],
      [0x0a, 3, 7, 8, 9],
    ],
  )
  assert.deepEqual(av1.parameterSets(Buffer.from([0x81, 0x0d, 0, 0, 0x2a, 1, 5])), [])
})

test('manifests name the profile, level, tier and bits of AV1', () => {
  assert.equal(av1.manifestName(Buffer.from([0x81, 0x08, 0x4c, 0])), 'av01.0.08M.10')
  assert.equal(av1.manifestName(Buffer.from([0x81, 0x0d, 0x8c, 0])), 'av01.0.13H.08')
})

test('VP9 has its record but for the level, which follows from picture and rate', () => {
  const record = Buffer.from('01000000000b800202020000', 'hex')
  assert.deepEqual(vp9.parameterSets(record), [Buffer.from('0082020202', 'hex')])
  assert.deepEqual(vp9.parameterSets(Buffer.from('01000000000b820202020000', 'hex')), vp9.parameterSets(record))
  const level = (width: number, height: number, fps: readonly [number, number]) => {
    vp9.setLevel(record, { width, height, fps })
    return vp9.manifestName(record)
  }
  assert.equal(level(320, 180, [30, 1]), 'vp09.00.11.08')
  assert.equal(level(1920, 1080, [24_000, 1001]), 'vp09.00.40.08')
  assert.equal(level(1920, 1080, [60, 1]), 'vp09.00.41.08')
  assert.equal(level(16_384, 8_640, [120, 1]), 'vp09.00.62.08')
  assert.deepEqual(vp9.parameterSets(record), [Buffer.from('0082020202', 'hex')])
})

test('versions of libvpx with equal bytes are one family', () => {
  const family = (version: string) => vp9.encoders[0].family.read(Buffer.alloc(0), `[libvpx-vp9 @ 0x5] v${version}\n`)
  assert.deepEqual(['1.12.0', '1.11.0-30-g888bafc78', '1.16.0', '1.17.0', '1.13.1'].map(family), [
    '1-12-0',
    '1-12-0',
    '1-16-0',
    '1-16-0',
    '1-13-1',
  ])
})

test('the version of SVT-AV1 is its family, with the changes since the version before it', () => {
  const log = (version: string) => `Svt[info]: SVT [version]:\tSVT-AV1 Encoder Lib v${version}\n`
  const family = (version: string) => av1.encoders[0].family.read(Buffer.alloc(0), log(version))
  assert.deepEqual(['1.4.1', '4.2.0-151-g5ed9ffbcb'].map(family), ['1-4-1', '4-2-0-151'])
  assert.equal(av1.encoders[0].family.read(Buffer.alloc(0), 'ffmpeg'), null)
})

test('parameter sets are read from avcC and hvcC, without the SEI of the encoder', () => {
  const sets = (codec: Codec, record: Buffer) => codec.parameterSets(record).map((set) => [...set])
  assert.deepEqual(sets(h264, AVCC), [
    [0x67, 1, 2],
    [0x68, 3],
  ])
  assert.deepEqual(sets(hevc, HVCC), [
    [0x40, 1],
    [0x42, 2, 3],
    [0x44, 4],
  ])
})

test('a configuration record that is cut off anywhere is an error, never fewer parameter sets', () => {
  // What follows the last PPS in avcC is not read.
  for (let length = 0; length < AVCC.length - 4; length++)
    assert.throws(() => h264.parameterSets(AVCC.subarray(0, length)), RangeError)
  for (let length = 0; length < 10; length++) assert.throws(() => vp9.parameterSets(Buffer.alloc(length)), RangeError)
  for (let length = 0; length < 9; length++)
    assert.throws(() => av1.parameterSets(AV1C.subarray(0, length)), RangeError)
  for (let length = 0; length < HVCC.length; length++)
    assert.throws(() => hevc.parameterSets(HVCC.subarray(0, length)), RangeError)
})

test('a preset at which a build shows wrong pictures is replaced, unless that build is known to be right', () => {
  const at = (preset: string, word: string) => usedPreset({ codec: 'av1', preset }, word)
  for (const word of ['svtav1-4-1-0', 'svtav1-4-2-0-151-10bit', 'svtav1-9-9-9'])
    assert.deepEqual(['8', '9', '10', '12'].map((preset) => at(preset, word)), ['8', '9', '9', '9'], word) // biome-ignore format: a list
  for (const word of ['svtav1-1-4-1', 'svtav1-1-4-1-10bit', 'aom-3-6-0']) assert.equal(at('12', word), '12', word)
  assert.equal(usedPreset({ codec: 'h264', preset: 'ultrafast' }, 'x264'), 'ultrafast')
})

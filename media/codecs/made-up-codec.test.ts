/**
 * What a codec is to the rest of `media/`: this file adds one that Reelmesh does not have, MPEG-4 part 2, and nothing else changes.
 * It is self-tested, and its chunks planned, encoded beside H.264, joined and verified with the ffmpeg of this host.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { AttemptFailed, RecipeRefused } from '../../protocol/errors.ts'
import type { Media } from '../../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, type Recipe } from '../../protocol/recipe.ts'
import { boxOfHeight, type Rendition } from '../../protocol/rendition.ts'
import { type PipelineResult, runPipeline } from '../../testing/sources/pipeline.ts'
import { createFfmpegMedia } from '../ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, film, signal } from '../film.test-support.ts'
import { shownTimes, tracksOf } from '../verify.ts'
import type { Codec } from './codec.ts'
import { addCodec } from './codecs.ts'
import { rateArgs } from './encoder-args.ts'

const mpeg4 = {
  name: 'mpeg4',
  encoders: [
    {
      name: 'lavc4',
      library: 'mpeg4',
      presets: { only: 0.25 },
      threaded: null,
      family: {
        args: ['-c:v', 'mpeg4', '-f', 'm4v'],
        read: (file) => /Lavc(\d+)\./.exec(file.toString('latin1'))?.[1] ?? null,
      },
      encoderArgs: ({ rate, b_frames }) => [
        '-c:v', 'mpeg4', ...('crf' in rate ? ['-q:v', String(rate.crf)] : rateArgs(rate)),
        '-threads', '1', '-bf', String(b_frames), '-g', '600', '-sc_threshold', '1000000000',
      ], // biome-ignore format: groups
    },
  ],
  required: false,
  crf: { min: 1, max: 31 },
  leastKbps: 1,
  averages: true,
  leastSide: 2,
  bitDepths: [8],
  profiles: {},
  trial: { rate: { crf: 4 }, preset: 'only' },
  bitstream: [],
  captions: false,
  tag: null,
  entry: 'mp4v',
  configuration: 'esds',
  matroska: { codecId: 'V_MPEG4/ISO/ASP', isConfigured: false },
  // The DecoderSpecificInfo (tag 5), as ffmpeg writes its length: the rest of the box has bit rates, which differ between chunks.
  parameterSets: (esds) => {
    const at = esds.indexOf(Buffer.from([5, 0x80, 0x80, 0x80]))
    return at < 0 ? [] : [esds.subarray(at + 5, at + 5 + esds.readUInt8(at + 4))]
  },
  manifestName: () => 'mp4v.20.9',
  reorders: false,
  sliceHeads: null,
  setLevel: null,
} satisfies Codec

/** Noise, so that a rate has something to bound. */
const NOISE = ['-vf', 'noise=alls=40:allf=t', '-crf', '10']
const SECONDS = 15
const FRAMES = 150

let dir: string
let source: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'made-up-codec-'))
  source = await film({ dir, name: 'noise.mp4' }, SECONDS, ...NOISE)
})
after(() => rm(dir, { recursive: true }))

const newMedia = (): Media =>
  createFfmpegMedia({
    ffmpeg: FFMPEG,
    ffprobe: FFPROBE,
    cacheDir: join(dir, 'cache'),
    clock: systemClock,
    rng: systemRng,
  })

const rendition = (id: string, change: Partial<Rendition>): Rendition => ({
  ...{ id, box: boxOfHeight(90), ...DEFAULT_ENCODING, preset: 'ultrafast' },
  ...change,
})
const recipeOf = (...renditions: Rendition[]): Recipe => ({ ...DEFAULT_RECIPE, renditions })

async function made(media: Media, ...renditions: Rendition[]): Promise<PipelineResult> {
  const outDir = await mkdtemp(join(dir, 'out-'))
  return await runPipeline(media, { source, recipe: recipeOf(...renditions), outDir, signal })
}

/** Every frame at its time, and a decoder that has nothing to complain of. */
async function assertWhole(path: string, entry: string): Promise<void> {
  const [picture] = await tracksOf(path)
  assert.equal(picture?.entry, entry)
  const tick = picture.timescale / 10
  assert.deepEqual(
    [...shownTimes(picture)].map((time) => time / tick),
    Array.from({ length: FRAMES }, (_, at) => at),
  )
  assert.equal(await ffmpeg('-i', path, '-map', '0:v', '-f', 'null', '-'), '')
}

const kbps = async (path: string): Promise<number> => {
  const [picture] = await tracksOf(path)
  return (picture!.sizes.reduce((sum, size) => sum + size, 0) * 8) / 1000 / SECONDS
}

test('a codec is one file: self-tested, planned, encoded beside H.264 in one ffmpeg, joined', {
  timeout: 120_000,
}, async () => {
  const remove = addCodec(mpeg4)
  try {
    const media = newMedia()
    const word = (await media.selfTest(signal)).encoders.at(-1)!
    assert.match(word, /^lavc4-\d+$/)
    const old = rendition('90p-old', { codec: 'mpeg4', preset: 'only', rate: { crf: 4 } })
    const { plan, outputs } = await made(media, rendition('90p', {}), old)
    assert.deepEqual(
      plan.renditions.map((each) => [each.id, each.class, each.cost]),
      [
        ['90p', 'h264>x264/90p', (160 * 90 * 0.12) / 1e6],
        ['90p-old', `h264>${word}/90p-old`, (160 * 90 * 0.25) / 1e6],
      ],
    )
    assert.ok(plan.chunks.length >= 2)
    await assertWhole(outputs[0]!.path, 'avc1')
    await assertWhole(outputs[1]!.path, 'mp4v')
    remove()
    await assert.rejects(
      tracksOf(outputs[1]!.path),
      (error) => error instanceof AttemptFailed && error.code === 'verify_failed' && /"mp4v"/.test(error.message),
      'a picture that cannot be read is an error, not one without parameter sets',
    )
    const chunks = plan.chunks.map(() => outputs[1]!.path)
    const renditions = [{ rendition: '90p-old', chunks, out: join(dir, 'no.mp4') }]
    const merging = { plan, renditions, audio: null, extra: null, signal }
    await assert.rejects(
      media.merge(merging),
      (error) => error instanceof AttemptFailed && error.code === 'build_cannot',
      'a plan of a newer peer is left to it',
    )
  } finally {
    remove()
  }
})

test('a recipe that no codec can follow is refused for good, by a sentence', { timeout: 60_000 }, async () => {
  const media = newMedia()
  const refused = (why: RegExp) => (error: unknown) =>
    error instanceof RecipeRefused && error.code === 'recipe_refused' && !error.retryable && why.test(error.message)
  const good = rendition('90p', {})
  media.checkRecipe({ ...DEFAULT_RECIPE, renditions: [good] })
  const strange = { ...DEFAULT_RECIPE, renditions: [good, rendition('90p-vvc', { codec: 'vvc' })] }
  assert.throws(() => media.checkRecipe(strange), refused(/^The rendition 90p-vvc asks for the codec "vvc"/))
  await assert.rejects(
    made(media, good, rendition('90p-vvc', { codec: 'vvc' })),
    refused(/^The rendition 90p-vvc asks for the codec "vvc", .*: use h264, hevc, av1 or vp9\.$/),
  )
  await assert.rejects(
    made(media, rendition('deep', { bit_depth: 10 })),
    refused(/^The rendition deep asks for 10 bits/),
  )
  await assert.rejects(
    made(media, rendition('90p', { preset: '8' })),
    refused(/^The rendition 90p asks for the preset "8"/),
  )
  await assert.rejects(
    made(media, rendition('90p', { rate: { crf: 60 } })),
    refused(/^The rendition 90p asks for crf 60/),
  )
})

test('H.264 with a capped quality and HEVC with a bit rate, at one height in one video', {
  timeout: 120_000,
}, async () => {
  const { plan, outputs } = await made(
    newMedia(),
    rendition('90p', { rate: { crf: 10 } }),
    rendition('90p-capped', { rate: { crf: 10, maxrate_kbps: 300, bufsize_kb: 300 } }),
    rendition('90p-hevc', { codec: 'hevc', rate: { kbps: 200 } }),
  )
  assert.deepEqual(
    plan.renditions.map(({ id, codec, width, height }) => `${id} ${codec} ${width}x${height}`),
    ['90p h264 160x90', '90p-capped h264 160x90', '90p-hevc hevc 160x90'],
  )
  assert.match(plan.renditions[2]!.class, /^h264>x265-\d+\/90p-hevc$/)
  assert.ok(plan.chunks.length >= 2)
  const [free, capped, hevc] = outputs.map(({ path }) => path) as [string, string, string]
  await assertWhole(free, 'avc1')
  await assertWhole(capped, 'avc1')
  await assertWhole(hevc, 'hvc1')
  const [freely, atMost, about] = await Promise.all([free, capped, hevc].map(kbps))
  assert.ok(freely! > 600, `${freely} kb/s without a cap`)
  assert.ok(atMost! < 1.2 * 300, `${atMost} kb/s with a cap of 300`)
  // Each chunk keeps to the rate on its own, and 7 s of noise are short for an average: plain ffmpeg is as far off.
  assert.ok(about! > 100 && about! < 400, `${about} kb/s instead of 200`)
  assert.ok((await stat(capped)).size < (await stat(free)).size)
})

/** Renditions of 10 bits, of AV1 and of VP9 beside H.264, at one height in one video, of an HDR source: each exact, and HDR where it has 10 bits. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { RecipeRefused } from '../../protocol/errors.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import { createFfmpegMedia } from '../ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, film, run, signal } from '../film.test-support.ts'
import { shownTimes, tracksOf } from '../verify.ts'

const SECONDS = 13
const FRAMES = 130
const HDR10 = [
  '-pix_fmt', 'yuv420p10le', '-c:v', 'libx265',
  '-x265-params', 'colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=error',
] // biome-ignore format: groups

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ten-bits-'))
})
after(() => rm(dir, { recursive: true }))

const media = () => createFfmpegMedia({ ffmpeg: FFMPEG, ffprobe: FFPROBE, clock: systemClock, rng: systemRng })

const rendition = (id: string, change: Partial<Rendition>): Rendition => ({
  ...{ id, box: { width: 160, height: 90 }, ...DEFAULT_ENCODING, preset: 'ultrafast' },
  ...change,
})

const VP9 = { codec: 'vp9', preset: '5', rate: { crf: 40 } } as const
const AV1 = { codec: 'av1', preset: '12', rate: { crf: 40 } } as const

async function pictureFacts(path: string): Promise<Record<string, string>> {
  const lines: string[] = []
  const entries = 'stream=codec_name,pix_fmt,color_transfer,color_primaries,color_space'
  const args = ['-v', 'error', '-select_streams', 'v', '-show_entries', entries, '-of', 'default=nw=1', path]
  await run({ program: FFPROBE, args, signal, onLine: (line) => lines.push(line) })
  return Object.fromEntries(lines.map((line) => line.split('=') as [string, string]))
}

test('H.264, HEVC, AV1 and VP9 of an HDR source at one height: each frame at its time, a keyframe where the others have one, HDR in 10 bits only', {
  timeout: 120_000,
}, async () => {
  const source = await film({ dir, name: 'hdr.mp4' }, SECONDS, ...HDR10)
  const outDir = await mkdtemp(join(dir, 'out-'))
  const renditions = [
    rendition('90p', {}),
    rendition('90p-hevc', { codec: 'hevc', bit_depth: 10 }),
    rendition('90p-av1', { ...AV1, bit_depth: 10 }),
    rendition('90p-av1-8', AV1),
    rendition('90p-vp9', { ...VP9, bit_depth: 10 }),
    rendition('90p-vp9-8', { ...VP9, rate: { kbps: 100, maxrate_kbps: 150, bufsize_kb: 150 } }),
  ]
  const { plan, outputs, notes } = await runPipeline(media(), {
    source,
    recipe: { ...DEFAULT_RECIPE, renditions },
    outDir,
    signal,
  })
  assert.ok(plan.chunks.length >= 2)
  assert.deepEqual(
    plan.renditions.map((each) => each.class.replace(/zscale-\w+/, 'zscale').replace(/>(\w+)-[\d-]+?(?=-10bit|\/)/, '>$1-N')),
    ['hevc10+zscale>x264/90p', 'hevc10>svtav1-N-10bit/90p-av1', 'hevc10+zscale>svtav1-N/90p-av1-8', 'hevc10>x265-N-10bit/90p-hevc', 'hevc10>vpx9-N-10bit/90p-vp9', 'hevc10+zscale>vpx9-N/90p-vp9-8'],
  ) // biome-ignore format: a list
  assert.ok(
    notes.some((note) =>
      /HDR, and so are 90p-av1, 90p-hevc, 90p-vp9; of 8 bits.* are 90p, 90p-av1-8, 90p-vp9-8\./.test(note),
    ),
    notes.join(),
  )
  const keyframes = new Set<string>()
  for (const { rendition: id, path } of outputs) {
    const [picture] = await tracksOf(path)
    const tick = picture!.timescale / 10
    const shown = Array.from({ length: FRAMES }, (_, at) => at)
    assert.deepEqual(
      [...shownTimes(picture!)].map((time) => time / tick),
      shown,
      id,
    )
    keyframes.add([...picture!.keyframes!].map((sample) => picture!.times[sample]! / tick).join())
    assert.equal(await ffmpeg('-i', path, '-map', '0:v', '-f', 'null', '-'), '', id)
    const isDeep = plan.renditions.find((each) => each.id === id)?.bit_depth === 10
    const { codec_name, ...facts } = await pictureFacts(path)
    assert.equal(codec_name, renditions.find((each) => each.id === id)!.codec)
    assert.deepEqual(
      facts,
      isDeep
        ? { pix_fmt: 'yuv420p10le', color_space: 'bt2020nc', color_transfer: 'smpte2084', color_primaries: 'bt2020' }
        : { pix_fmt: 'yuv420p', color_space: 'bt709', color_transfer: 'bt709', color_primaries: 'bt709' },
      id,
    )
  }
  assert.equal(keyframes.size, 1, [...keyframes].join(' and '))
})

test('a picture too small for AV1 is refused for good, by a sentence', { timeout: 60_000 }, async () => {
  const source = await film({ dir, name: 'small.mp4' }, 1)
  const renditions = [rendition('40p-av1', { ...AV1, box: { width: 72, height: 40 } })]
  const outDir = await mkdtemp(join(dir, 'out-'))
  await assert.rejects(
    runPipeline(media(), { source, recipe: { ...DEFAULT_RECIPE, renditions }, outDir, signal }),
    (error) =>
      error instanceof RecipeRefused &&
      error.message ===
        'The rendition 40p-av1 of this source is 72x40, and libsvtav1 takes no side under 64 pixels: use h264.',
  )
})

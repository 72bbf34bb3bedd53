/** AV1 by libaom, as a plan names it where no worker has SVT-AV1: exact, with keyframes where H.264 has them, the same bytes each time, its HDR and its level. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { execa } from 'execa'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { HdrData } from '../../protocol/hdr.ts'
import type { Media } from '../../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import { createFfmpegMedia } from '../ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, film, signal } from '../film.test-support.ts'
import { hdrData } from '../hdr-data.ts'
import { shownTimes, tracksOf } from '../verify.ts'

const SECONDS = 13
const FRAMES = 130

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'libaom-'))
})
after(() => rm(dir, { recursive: true }))

/** ffmpeg in a mesh whose workers have libaom only. */
async function mediaOfLibaom(): Promise<Media> {
  const media = createFfmpegMedia({ ffmpeg: FFMPEG, ffprobe: FFPROBE, clock: systemClock, rng: systemRng })
  const encoders = (await media.selfTest(signal)).encoders.filter((word) => !word.startsWith('svtav1'))
  return { ...media, plan: (job) => media.plan({ ...job, workers: [{ slots: 1, encoders, renditions: 'all' }] }) }
}

const rendition = (id: string, change: Partial<Rendition>): Rendition => ({
  ...{ id, box: { width: 160, height: 90 }, ...DEFAULT_ENCODING, preset: 'ultrafast' },
  ...change,
})
const AV1 = { codec: 'av1', preset: '12', rate: { crf: 40 } } as const

test('each frame is at its time, in 8 and 10 bits and under a cap; keyframes are those of H.264, and a second encode has the same bytes', {
  timeout: 120_000,
}, async () => {
  const source = await film({ dir, name: 'film.mp4' }, SECONDS)
  const media = await mediaOfLibaom()
  const renditions = [
    rendition('90p', {}),
    rendition('90p-av1', AV1),
    rendition('90p-av1-10', { ...AV1, bit_depth: 10 }),
    rendition('90p-av1-cap', { ...AV1, rate: { crf: 20, maxrate_kbps: 60, bufsize_kb: 60 } }),
  ]
  const made = async () => {
    const outDir = await mkdtemp(join(dir, 'out-'))
    const { plan, outputs } = await runPipeline(media, {
      source,
      recipe: { ...DEFAULT_RECIPE, renditions },
      outDir,
      signal,
    })
    return { plan, outputs, hashes: await Promise.all(outputs.map(({ path }) => hashOf(path))) }
  }
  const { plan, outputs, hashes } = await made()
  assert.ok(plan.chunks.length >= 2)
  assert.deepEqual(
    plan.renditions.map(({ id, class: of }) => [id, of.replace(/aom-[\d-]+?(?=-10bit|\/)/, 'aom-N')]),
    [
      ['90p', 'h264>x264/90p'],
      ['90p-av1', 'h264>aom-N/90p-av1'],
      ['90p-av1-10', 'h264>aom-N-10bit/90p-av1-10'],
      ['90p-av1-cap', 'h264>aom-N/90p-av1-cap'],
    ],
  )
  const keyframes = new Set<string>()
  for (const { rendition: id, path } of outputs) {
    const [picture] = await tracksOf(path)
    const tick = picture!.timescale / 10
    const shown = [...shownTimes(picture!)].map((time) => time / tick)
    assert.deepEqual(shown, Array.from({ length: FRAMES }, (_, at) => at), id) // biome-ignore format: a list
    keyframes.add([...picture!.keyframes!].map((sample) => picture!.times[sample]! / tick).join())
    assert.equal(await ffmpeg('-i', path, '-map', '0:v', '-f', 'null', '-'), '', id)
  }
  assert.equal(keyframes.size, 1, [...keyframes].join(' and '))
  assert.deepEqual((await made()).hashes, hashes)
})

const HDR: HdrData = {
  mastering: { red: [34_000, 16_000], green: [13_250, 34_500], blue: [7_500, 3_000], white: [15_635, 16_450], luminance: [10_000_000, 1] },
  light: { pixel: 1_000, frame: 400 },
} // biome-ignore format: a record
/** 4.0: 1280×720 at 50 pictures a second. libaom itself says 3.1. */
const LEVEL = 8

test('the stream itself says the HDR of the source in each keyframe, and the level of its frame rate', async () => {
  const source = join(dir, 'hdr.mp4')
  await ffmpeg(
    '-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=50:d=0.3', '-pix_fmt', 'yuv420p10le', '-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-x265-params',
    'log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400', source,
  ) // biome-ignore format: groups
  const recipe = {
    ...DEFAULT_RECIPE,
    keyframe_s: 0.1,
    renditions: [rendition('720p-av1', { ...AV1, box: { width: 1280, height: 720 }, bit_depth: 10 })],
  }
  const outDir = await mkdtemp(join(dir, 'hdr-'))
  const { outputs } = await runPipeline(await mediaOfLibaom(), { source, recipe, outDir, signal })
  const { path } = outputs[0]!
  const [picture] = await tracksOf(path)
  assert.equal(picture!.configuration[1]! & 31, LEVEL)
  const bare = join(dir, 'bare.obu')
  await ffmpeg('-i', path, '-map', '0:v', '-c', 'copy', bare)
  const entries = ['-show_entries', 'stream=level:frame=key_frame:frame_side_data', '-of', 'compact=p=0']
  const { stdout } = await execa(FFPROBE, ['-v', 'error', ...entries, bare], { stdin: 'ignore' })
  assert.match(stdout, new RegExp(`level=${LEVEL}$`, 'm'))
  const keyframes = stdout.split(/^(?=key_frame=)/m).filter((frame) => frame.startsWith('key_frame=1'))
  assert.equal(keyframes.length, 3)
  for (const keyframe of keyframes) assert.deepEqual(hdrData(keyframe), HDR)
})

const hashOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

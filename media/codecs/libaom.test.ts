/** AV1 by libaom, as a plan names it where no worker has SVT-AV1: exact, with keyframes where H.264 has them, the same bytes each time. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { Media } from '../../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import { createFfmpegMedia } from '../ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, film, signal } from '../film.test-support.ts'
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

const hashOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

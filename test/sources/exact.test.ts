/**
 * Promise 1: an output holds every source frame once, in order, at its time; audio within one sample of where it was.
 * And promise 8: bad input gets one clear sentence. Twelve sources by default, all of them with `REELMESH_ALL=1`, those
 * whose name holds a text with `REELMESH_SOURCE=text`; another build with `REELMESH_FFMPEG` and `REELMESH_FFPROBE`; HEVC
 * with `REELMESH_CODEC=hevc`.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { execa } from 'execa'
import { createFfmpegMedia } from '../../media/ffmpeg-media.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { SourceRefused } from '../../protocol/errors.ts'
import type { Media } from '../../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import { SECRET } from '../../testing/sources/catalogue/refused.ts'
import { checkOutput } from '../../testing/sources/check.ts'
import { ensureSource, sources, TOOLS } from '../../testing/sources/make.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import type { Source } from '../../testing/sources/source.ts'
import { unplanned } from '../../testing/sources/unplanned.ts'
import { cachePath } from '../../testing/tools/cache.ts'

const RECIPE: Recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([480, 720], {
    ...DEFAULT_ENCODING,
    codec: process.env.REELMESH_CODEC ?? DEFAULT_ENCODING.codec,
    preset: 'ultrafast',
  }),
}
const SOURCE_TIMEOUT_MS = 180_000

let folder = ''
let media: Media
let version = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelmesh-exact-'))
  const ffmpeg = await findProgram('ffmpeg')
  version = (await execa(ffmpeg, ['-version'])).stdout.split(' ')[2] ?? ''
  media = createFfmpegMedia({
    ffmpeg,
    ffprobe: await findProgram('ffprobe'),
    clock: systemClock,
    rng: systemRng,
    cacheDir: cachePath('self-tests'),
  })
})
after(() => rm(folder, { recursive: true, force: true }))

for (const source of sources.filter(isWanted)) {
  const { refused } = source.expect
  if (refused) test(`${source.name} is refused: ${source.what}`, (t) => assertRefused(source, refused, t))
  else
    test(`${source.name} comes out exact: ${source.what}`, { timeout: SOURCE_TIMEOUT_MS }, (t) => {
      if (source.cannotOn.some((build) => version.startsWith(build))) return t.skip(`ffmpeg ${version} cannot read it`)
      return assertExact(source, t)
    })
}

function isWanted({ name, quick }: Source): boolean {
  const { REELMESH_SOURCE: wanted, REELMESH_ALL: all } = process.env
  return wanted ? name.includes(wanted) : quick || all === '1'
}

async function findProgram(name: 'ffmpeg' | 'ffprobe'): Promise<string> {
  return process.env[`REELMESH_${name.toUpperCase()}`] || (await execa('sh', ['-c', `command -v ${name}`])).stdout
}

async function assertExact(source: Source, t: TestContext): Promise<void> {
  const file = await ensureSource(source.name)
  const outDir = await mkdtemp(join(folder, `${source.name}-`))
  const { plan, outputs, notes } = await runPipeline(media, { source: file, recipe: RECIPE, outDir, signal: t.signal })
  assert.ok(outputs.length > 0)
  const ffprobe = await findProgram('ffprobe')
  assert.deepEqual(await unplanned({ source: file, output: outputs[0]!.path, plan, ffprobe }), [])
  for (const { rendition, box, path } of outputs) {
    const { problems, facts } = await checkOutput({ source, file, output: path, box, ...TOOLS })
    t.diagnostic(
      `${facts.frames} frames of ${facts.size}, ${plan.chunks.length} chunks, beeps moved ${facts.beepSamples} samples`,
    )
    assert.deepEqual(
      problems,
      [],
      `${source.name} in ${rendition}, ${plan.chunks.length} chunks, notes: ${notes.join(' ')}`,
    )
  }
  await rm(outDir, { recursive: true })
}

async function assertRefused(source: Source, sentence: RegExp, t: TestContext): Promise<void> {
  const file = await ensureSource(source.name)
  const secret = source.keep.includes(SECRET) ? join(dirname(file), SECRET) : null
  if (secret) await forgetReads(secret)
  const outDir = await mkdtemp(join(folder, `${source.name}-`))
  await assert.rejects(
    runPipeline(media, { source: file, recipe: RECIPE, outDir, signal: t.signal }),
    (error: unknown) => {
      assert.ok(error instanceof SourceRefused, `${error}`)
      assert.match(error.message, sentence)
      assert.ok(error.message.includes(basename(file)), `no file name in: ${error.message}`)
      assert.ok(!/[\n\r]/.test(error.message) && error.message.length < 400, `not one sentence: ${error.message}`)
      return true
    },
  )
  if (!secret) return
  assert.equal(await wasRead(secret), false, 'the film that the playlist names was read')
  await readFile(secret)
  if (!(await wasRead(secret))) t.diagnostic('this file system keeps no access times: a read would not have shown')
}

/** Reads show in the access time, where the file system keeps one: a file changed after its last access is noted. */
const forgetReads = (file: string): Promise<void> => utimes(file, new Date(1_000_000), new Date(2_000_000))
const wasRead = async (file: string): Promise<boolean> => (await stat(file)).atimeMs !== 1_000_000

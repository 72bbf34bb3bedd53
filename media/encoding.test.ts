/** With how many threads a chunk is decoded, and that nobody sees it in the result. */
import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf } from '../protocol/recipe.ts'
import { runPipeline } from '../testing/sources/pipeline.ts'
import { folder } from '../testing/tools/folder.ts'
import { createFfmpegMedia } from './ffmpeg-media.ts'
import { FFMPEG, FFPROBE, film, signal } from './film.test-support.ts'

const recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([90], { ...DEFAULT_ENCODING, preset: 'ultrafast' as const }),
}

/** The result of a film, and the numbers of threads with which its chunks were decoded. `most`: threads that a decoder is given at most. */
async function encoded(t: TestContext, source: string, most = 2): Promise<{ bytes: Buffer; threads: string[] }> {
  const dir = await folder(t)
  const log = join(dir, `log-${most}`)
  const ffmpeg = join(dir, `ffmpeg-${most}`)
  // The first `-threads` is that of the decoder.
  const first = `[ "$last" = -threads ] && each=1 && seen=1`
  const fewer =
    most === 1 ? `for each do shift; [ "$seen" ] || { ${first}; last=$each; }; set -- "$@" "$each"; done\n` : ''
  await writeFile(ffmpeg, `#!/bin/sh\necho "$*" >>'${log}'\n${fewer}exec '${FFMPEG}' "$@"\n`)
  await chmod(ffmpeg, 0o755)
  await writeFile(log, '')
  const media = createFfmpegMedia({ ffmpeg, ffprobe: FFPROBE, sandbox: 'off', clock: systemClock, rng: systemRng })
  const outDir = join(dir, 'out')
  await mkdir(outDir)
  const { outputs } = await runPipeline(media, { source, recipe, outDir, signal, slots: 1 })
  const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => /chunk-\d+\/90p\.mp4/.test(line))
  const threads = lines.flatMap((line) => /-threads (\d) -copyts/.exec(line)?.[1] ?? [])
  return { bytes: await readFile(outputs[0]!.path), threads }
}

test('H.264 is decoded beside its encodes, and once more by one thread where it is damaged: always to the same bytes', async (t) => {
  const dir = await folder(t)
  const whole = await film({ dir, name: 'whole.mp4' }, 3, '-c:v', 'libx264')
  const made = await encoded(t, whole)
  assert.deepEqual(made.threads, ['2'])
  assert.ok(made.bytes.equals((await encoded(t, whole, 1)).bytes))
  const bytes = await readFile(whole)
  const data = bytes.indexOf('mdat')
  for (let at = data + 3_000; at < data + 30_000 && at < bytes.length - 1_000; at += 4_000)
    bytes.fill(0x55, at, at + 40)
  const damaged = join(dir, 'damaged.mp4')
  await writeFile(damaged, bytes)
  const remade = await encoded(t, damaged)
  assert.deepEqual(remade.threads, ['2', '1'])
  assert.ok(remade.bytes.equals((await encoded(t, damaged, 1)).bytes))
})

test('the chunks of a film that is cut are decoded by one thread, once: where GOPs are open every one but the first begins with a complaint', async (t) => {
  const dir = await folder(t)
  const source = await film(
    { dir, name: 'open.mp4' },
    13,
    '-c:v',
    'libx264',
    '-x264-params',
    'open-gop=1:bframes=3:scenecut=0',
    '-bf',
    '3',
  )
  assert.deepEqual((await encoded(t, source)).threads, ['1', '1'])
})

test('the chunks of a short film whose cuts are at refreshes are decoded beside their encodes, to the same bytes', async (t) => {
  const dir = await folder(t)
  const source = await film({ dir, name: 'closed.mp4' }, 13, '-c:v', 'libx264')
  const made = await encoded(t, source)
  assert.deepEqual(made.threads, ['2', '2'])
  assert.ok(made.bytes.equals((await encoded(t, source, 1)).bytes))
})

test('HEVC, whose decoder hides damage without a word, is decoded by one thread', async (t) => {
  const dir = await folder(t)
  const source = await film({ dir, name: 'hevc.mp4' }, 2, '-c:v', 'libx265', '-x265-params', 'log-level=none')
  assert.deepEqual((await encoded(t, source)).threads, ['1'])
})

/** How many processes of ffmpeg and ffprobe a short film takes, by programs that count their starts. */
import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf } from '../protocol/recipe.ts'
import { runPipeline } from '../testing/sources/pipeline.ts'
import { folder } from '../testing/tools/folder.ts'
import { createFfmpegMedia } from './ffmpeg-media.ts'
import { FFMPEG, FFPROBE, film, signal } from './film.test-support.ts'

const recipe = { ...DEFAULT_RECIPE, renditions: ladderOf([480, 720], { ...DEFAULT_ENCODING, preset: 'ultrafast' }) }
const LARGE = ['-s', '1280x720']

test('a plain clip takes two processes once its settings are known, others no more than four', {
  timeout: 120_000,
}, async (t) => {
  const dir = await folder(t)
  const starts = join(dir, 'starts')
  const counted = async (program: string) => {
    const path = join(dir, program.endsWith('ffprobe') ? 'ffprobe' : 'ffmpeg')
    await writeFile(path, `#!/bin/sh\necho start >> '${starts}'\nexec '${program}' "$@"\n`)
    await chmod(path, 0o755)
    return path
  }
  const [ffmpeg, ffprobe] = [await counted(FFMPEG), await counted(FFPROBE)]
  const media = createFfmpegMedia({ ffmpeg, ffprobe, clock: systemClock, rng: systemRng, sandbox: 'off' })
  await media.selfTest(signal)
  const startsOf = async (name: string, ...options: string[]) => {
    const source = await film({ dir, name }, 2, ...options)
    const outDir = join(dir, `${name}.out`)
    await mkdir(outDir)
    await rm(starts, { force: true })
    const { outputs } = await runPipeline(media, { source, recipe, outDir, signal })
    assert.equal(outputs.length, 2)
    return (await readFile(starts, 'utf8')).trim().split('\n').length
  }
  assert.equal(await startsOf('first.mp4', ...LARGE), 3, 'with a trial frame')
  assert.equal(await startsOf('second.mp4', ...LARGE), 2)
  const chroma = ['-x264-params', 'chromaloc=2']
  assert.equal(
    await startsOf('chroma.mp4', ...LARGE, ...chroma),
    3,
    'frames that say something else have another signature',
  )
  assert.equal(
    await startsOf('other-codec.mp4', ...LARGE, '-c:v', 'mpeg4'),
    4,
    'its beginning is decoded, and a trial frame',
  )
  assert.equal(await startsOf('other-sound.mp4', ...LARGE, '-c:a', 'ac3'), 3, 'its sound is tried')
  assert.equal(await startsOf('other-container.mkv', ...LARGE), 4, 'both')
})

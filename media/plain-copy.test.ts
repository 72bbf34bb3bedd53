/** Cuts that are made without ffmpeg are those that it makes: the film of either is the same. By real ffmpeg. */
import assert from 'node:assert/strict'
import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { SourceChanged } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { Media, SourceIndex } from '../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf } from '../protocol/recipe.ts'
import { runPipeline } from '../testing/sources/pipeline.ts'
import { folder } from '../testing/tools/folder.ts'
import { createFfmpegMedia } from './ffmpeg-media.ts'
import { FFMPEG, FFPROBE, film, signal } from './film.test-support.ts'

const media = createFfmpegMedia({
  ffmpeg: FFMPEG,
  ffprobe: FFPROBE,
  clock: systemClock,
  rng: systemRng,
  sandbox: 'off',
})
const recipe = { ...DEFAULT_RECIPE, renditions: ladderOf([72], { ...DEFAULT_ENCODING, preset: 'ultrafast' }) }
const FILMS: Readonly<Record<string, readonly string[]>> = {
  'in-order.mov': ['-bf', '0', '-g', '30'],
  'uneven.mp4': ['-preset', 'fast', '-g', '40', '-vf', 'setpts=PTS+mod(N\\,3)*0.02/TB'],
  'said.mp4': ['-preset', 'fast', '-g', '40', '-vf', 'setsar=4/3', '-color_range', 'pc', '-colorspace', 'bt709', '-write_tmcd', '0'],
} // biome-ignore format: groups

const noted = (notes: { cuts: string[] }, change: (index: SourceIndex) => SourceIndex): Media => ({
  ...media,
  index: async (...args) => change(await media.index(...args)),
  async cut(job) {
    const cut = await media.cut(job)
    notes.cuts.push((await readFile(cut.path)).toString('latin1', 4, 8))
    return cut
  },
})

test('a plain film has the same bytes, however its chunks are cut', { timeout: 120_000 }, async (t) => {
  const dir = await folder(t)
  for (const [name, options] of Object.entries(FILMS)) {
    const source = await film({ dir, name }, 12, ...options)
    const films: Buffer[] = []
    for (const identity of ['its own', 'another']) {
      const outDir = join(dir, `${name}-${identity}`)
      await mkdir(outDir)
      const notes: { cuts: string[] } = { cuts: [] }
      const by = noted(notes, (index) => (identity === 'another' ? { ...index, identity: 'another' } : index))
      const { outputs } = await runPipeline(by, { source, recipe, outDir, signal })
      films.push(await readFile(outputs[0]!.path))
      assert.ok(notes.cuts.length > 1)
      assert.ok(
        notes.cuts.every((type) => (type === 'ftyp') === (identity === 'its own')),
        `${name}: ${notes.cuts}`,
      )
    }
    assert.ok(films[0]!.equals(films[1]!), name)
  }
})

test('a plain film that was written over since it was read is not cut, though it has its size and times again', {
  timeout: 60_000,
}, async (t) => {
  const dir = await folder(t)
  const source = await film({ dir, name: 'film.mp4' }, 12)
  const probe = await media.probe(source, signal)
  const index = await media.index(source, probe, signal)
  const plan = await media.plan({ video_id: '0123456789abcdef' as VideoId, source, probe, index, recipe, signal })
  const job = { plan, source, index, signal }
  const { path } = await media.cut({ ...job, chunk_id: 0, out: join(dir, '0') })
  assert.equal((await readFile(path)).toString('latin1', 4, 8), 'ftyp')
  const [{ atime, mtime }, bytes] = [await stat(source), await readFile(source)]
  bytes.fill(0, bytes.indexOf('mdat') + 4, bytes.indexOf('moov') - 4)
  await writeFile(source, bytes)
  await utimes(source, atime, mtime)
  await assert.rejects(media.cut({ ...job, chunk_id: 1, out: join(dir, '1') }), SourceChanged)
})

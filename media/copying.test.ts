/** Chunks that one ffmpeg copies together, with real ffmpeg: the same bytes as chunks copied alone. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import type { VideoId } from '../protocol/ids.ts'
import { DEFAULT_RECIPE, ladderOf } from '../protocol/recipe.ts'
import type { CutJob } from './copying.ts'
import { cutChunk } from './cutting.ts'
import { createFfmpegMedia } from './ffmpeg-media.ts'
import { FFMPEG, FFPROBE, film, run, signal } from './film.test-support.ts'
import type { Programs } from './run-ffmpeg.ts'

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'copying-test-'))
})
after(() => rm(dir, { recursive: true }))

/** Programs that write down what they run. `fails`: of a run, by its arguments. */
function recorded(fails: (args: readonly string[]) => boolean = () => false) {
  const runs: string[] = []
  const programs: Programs = {
    ffmpeg: FFMPEG, ffprobe: FFPROBE, clock: systemClock, rng: systemRng,
    run: async (job) => {
      runs.push(job.program === FFMPEG ? `ffmpeg of ${job.args.filter((word) => word === '-i').length}` : 'ffprobe')
      return fails(job.args) ? { exitCode: 1, log: 'failed by the test' } : run(job)
    },
  } // biome-ignore format: a record
  return { programs, runs }
}

/** A film of 40 s in five chunks, planned. */
async function planned() {
  const options = { ffmpeg: FFMPEG, ffprobe: FFPROBE, cacheDir: join(dir, 'cache'), clock: systemClock, rng: systemRng }
  const media = createFfmpegMedia(options)
  const source = await film({ dir, name: 'film.mp4' }, 40)
  const probe = await media.probe(source, signal)
  // Of a source that may have changed since it was read: such a one is copied by ffmpeg.
  const read = async () => ({ ...(await media.index(source, probe, signal)), identity: null })
  const plan = async () => {
    const index = await read()
    const recipe = { ...DEFAULT_RECIPE, renditions: ladderOf([480]) }
    return {
      source,
      index,
      plan: await media.plan({ video_id: '0123456789abcdef' as VideoId, source, probe, index, recipe, signal }),
    }
  }
  return { plan, index: read }
}

/** Cuts these chunks into a folder, in order, and returns the bytes of each. */
async function cut(
  programs: Programs,
  job: Pick<CutJob, 'plan' | 'source' | 'index'>,
  into: string,
  ids: readonly number[],
) {
  await mkdir(join(dir, into))
  const bytes: Buffer[] = []
  for (const chunk_id of ids) {
    const { path } = await cutChunk(programs, { ...job, chunk_id, out: join(dir, into, `${chunk_id}.nut`), signal })
    bytes.push(await readFile(path))
  }
  return bytes
}

test('chunks that are asked for in order are copied together, to the bytes that each has alone', {
  timeout: 120_000,
}, async () => {
  const film = await planned()
  const job = await film.plan()
  const ids = [...job.plan.chunks.keys()]
  assert.equal(ids.length, 5)
  const together = recorded()
  const inOrder = await cut(together.programs, job, 'together', ids)
  // The first chunk is needed soonest; all others come from one process, and one reads them.
  assert.deepEqual(together.runs, ['ffmpeg of 1', 'ffprobe', 'ffmpeg of 4', 'ffmpeg of 4'])
  assert.equal((await readdir(join(dir, 'together'))).length, 5)

  const alone = recorded()
  const backwards = await cut(alone.programs, { ...job, index: await film.index() }, 'alone', ids.toReversed())
  assert.equal(alone.runs.length, 10)
  assert.deepEqual(backwards.toReversed(), inOrder)

  const failing = recorded((args) => args.filter((word) => word === '-i').length > 1)
  const inOrderAgain = await cut(failing.programs, { ...job, index: await film.index() }, 'failing', ids)
  assert.deepEqual(inOrderAgain, inOrder)
  assert.equal((await readdir(join(dir, 'failing'))).length, 5)
})

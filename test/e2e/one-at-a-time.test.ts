/** A run of one long film on two cores: one encode at a time, where a run of two films has two. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'

interface Progress {
  readonly videos: readonly { readonly tasks: readonly { readonly kind: string; readonly count: number }[] }[]
  readonly workers: readonly { readonly running: readonly { readonly task: string }[] }[]
}

const PICTURE = '/180p/'

/** 40 s of film of these pictures, 320x180, a keyframe every 10 s. */
async function makeFilm(path: string, pictures: string): Promise<void> {
  const { ffmpeg } = await ensureFfmpeg()
  const input = ['-f', 'lavfi', '-i', `${pictures}=s=320x180:r=25:d=40`, '-f', 'lavfi', '-i', 'sine=d=40']
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '250', '-pix_fmt', 'yuv420p', '-c:a', 'aac']
  await promisify(execFile)(ffmpeg, ['-nostdin', '-v', 'error', ...input, ...codecs, path])
}

/** The most chunks that were encoded at once, and the number of those of films that are open at the end, as `run` says. */
async function runOf(dir: string, films: readonly string[]) {
  const args = ['run', ...films, '--renditions', '180p', '--preset', 'slow', '--out', 'out', '--json']
  const options = { cwd: dir, dataDir: join(dir, `data-${films.length}`), prefix: ['taskset', '-c', '0,1'] }
  const { code, stdout, stderr } = await runCli(args, options)
  assert.equal(code, 0, stderr)
  const seen = eventsOf(stdout).filter(({ event }) => event === 'progress') as unknown as Progress[]
  const running = seen.map(({ workers }) => workers.flatMap((worker) => worker.running))
  const tasks = seen.at(-1)!.videos.flatMap((video) => video.tasks.filter(({ kind }) => kind === 'video'))
  return {
    most: Math.max(...running.map((all) => all.filter(({ task }) => task.includes(PICTURE)).length)),
    chunks: tasks.reduce((sum, { count }) => sum + count, 0),
  }
}

test('a run of one film of 40 s encodes two chunks one after the other, one of two films does not', async (t) => {
  const dir = await folder(t)
  await makeFilm(join(dir, 'one.mp4'), 'testsrc2')
  await makeFilm(join(dir, 'two.mp4'), 'smptebars')
  const one = await runOf(dir, ['one.mp4'])
  assert.deepEqual(one, { most: 1, chunks: 2 })
  assert.deepEqual((await filesBelow(join(dir, 'out'))).sort(), ['180p/one.mp4'])
  const both = await runOf(dir, ['one.mp4', 'two.mp4'])
  assert.equal(both.most, 2)
  assert.ok(both.chunks >= 4, `chunks of the film that ended last: ${both.chunks}`)
})

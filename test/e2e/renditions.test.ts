/** A rendition that nobody prepared for, from the command line to the delivered file. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ensureSource } from '../../testing/sources/make.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'

interface Progress {
  readonly videos: readonly { readonly tasks: readonly { readonly kind: string; readonly resolution: string }[] }[]
  readonly workers: readonly { readonly running: readonly { readonly task: string }[] }[]
}

test('a rendition of 333 lines is encoded, shown and delivered, beside one of the default ladder', async (t) => {
  const dir = await folder(t)
  const source = await ensureSource('short')
  const args = [
    'run',
    source,
    '--renditions',
    '333p,480p',
    // Slow enough that progress is shown while it is encoded.
    '--preset',
    'veryslow',
    '--upscale',
    '--out',
    'out',
    '--json',
  ]
  const { code, stdout, stderr } = await runCli(args, { cwd: dir, dataDir: join(dir, 'data') })
  assert.equal(code, 0, stderr)
  assert.deepEqual((await filesBelow(join(dir, 'out'))).sort(), ['333p/short.mp4', '480p/short.mp4'])
  const { ffprobe } = await ensureFfmpeg()
  const size = ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'stream=height', '-of', 'csv=p=0']
  const probed = await promisify(execFile)(ffprobe, [...size, join(dir, 'out', '333p', 'short.mp4')])
  assert.equal(probed.stdout.trim(), '332', 'even, within 333 lines')
  const progress = eventsOf(stdout).filter(({ event }) => event === 'progress') as unknown as Progress[]
  const counted = progress.flatMap(({ videos }) => videos.flatMap(({ tasks }) => tasks))
  assert.ok(counted.some(({ kind, resolution }) => kind === 'video' && resolution === '333p'))
})

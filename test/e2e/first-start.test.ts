/** The first start with an ffmpeg: what waits for its trial runs, and what does not. */
import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'

test('a film of H.264 does not wait for the trials that one of HEVC needs, and both are made', async (t) => {
  const dir = await folder(t)
  const { ffmpeg, ffprobe } = await ensureFfmpeg()
  const files = [await ensureSource('short'), await ensureSource('hevc-rasl')]
  const slow = join(dir, 'slow-ffmpeg')
  // Its trial decodes last until the film of H.264 is there.
  const waits = `*/reelmesh-self-test-*framecrc*) until [ -e '${dir}/out/480p/short.mp4' ]; do sleep 0.1; done`
  await writeFile(slow, `#!/bin/sh\ncase "$*" in\n  ${waits} ;;\nesac\nexec '${ffmpeg}' "$@"\n`)
  await chmod(slow, 0o755)
  const env = {
    REELMESH_SELF_TEST_DIR: join(dir, 'self-tests'),
    REELMESH_FFMPEG: slow,
    REELMESH_FFPROBE: ffprobe,
    REELMESH_SANDBOX: 'off',
  }
  const args = ['run', ...files, '--out', join(dir, 'out'), '--json', '--preset', 'ultrafast', '--renditions', '480p']
  const { code, stdout, stderr } = await runCli(args, { cwd: dir, dataDir: join(dir, 'data'), env })
  assert.equal(code, 0, stderr)
  assert.deepEqual(
    eventsOf(stdout).flatMap(({ event, name }) => (event === 'delivered' ? [name] : [])),
    ['short', 'hevc-rasl'],
  )
  assert.equal((await filesBelow(join(dir, 'out'))).length, 2)
})

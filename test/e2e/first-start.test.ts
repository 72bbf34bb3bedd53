/** The first start with an ffmpeg: what waits for its trial runs, and what does not. */
import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'

/** The environment of a start without a cache, whose ffmpeg does this first. */
async function startWith(dir: string, first: string): Promise<Record<string, string>> {
  const { ffmpeg, ffprobe } = await ensureFfmpeg()
  const own = join(dir, 'ffmpeg')
  await writeFile(own, `#!/bin/sh\n${first}\nexec '${ffmpeg}' "$@"\n`)
  await chmod(own, 0o755)
  return {
    REELMESH_SELF_TEST_DIR: join(dir, 'self-tests'),
    REELMESH_FFMPEG: own,
    REELMESH_FFPROBE: ffprobe,
    REELMESH_SANDBOX: 'off',
  }
}

const FLAGS = ['--json', '--preset', 'ultrafast']
/** Who encodes, and the flags for that. */
const ENCODERS = { 'one process': [], 'worker processes': ['--workers', '2'] }

for (const [who, workers] of Object.entries(ENCODERS))
  test(`by ${who}, a film of H.264 does not wait for the trials that one of HEVC needs, and both are made`, async (t) => {
    const dir = await folder(t)
    const files = [await ensureSource('short'), await ensureSource('hevc-rasl')]
    // Its trial decodes last until the film of H.264 is there.
    const waits = `*/reelmesh-self-test-*framecrc*) until [ -e '${dir}/out/480p/short.mp4' ]; do sleep 0.1; done`
    const env = await startWith(dir, `case "$*" in ${waits} ;; esac`)
    const args = ['run', ...files, ...workers, ...FLAGS, '--renditions', '480p', '--out', join(dir, 'out')]
    const { code, stdout, stderr } = await runCli(args, { cwd: dir, dataDir: join(dir, 'data'), env })
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      eventsOf(stdout).flatMap(({ event, name }) => (event === 'delivered' ? [name] : [])),
      ['short', 'hevc-rasl'],
    )
    assert.equal((await filesBelow(join(dir, 'out'))).length, 2)
  })

for (const [who, workers] of Object.entries(ENCODERS))
  test(`by ${who}, a film of H.264 takes no trials but the first three, and the next one none`, async (t) => {
    const dir = await folder(t)
    const started = join(dir, 'started')
    // Its encode lasts for as long as the other trials would be waited for.
    const slow = `case "$*" in *reelmesh-self-test-*) ;; *libx264*) sleep 4 ;; esac`
    const env = await startWith(dir, `echo "$*" >>'${started}'\n${slow}`)
    const source = await ensureSource('short')
    const trialsOf = async (start: number): Promise<number> => {
      const args = ['run', source, ...workers, ...FLAGS, '--out', join(dir, `out-${start}`)]
      await writeFile(started, '')
      const { code, stderr } = await runCli(args, { cwd: dir, dataDir: join(dir, `data-${start}`), env })
      assert.equal(code, 0, stderr)
      const all = (await readFile(started, 'utf8')).trim().split('\n')
      assert.ok(all.some((each) => each.includes('libx264') && !each.includes('reelmesh-self-test-')))
      return all.filter((each) => each === '-version' || each.includes('reelmesh-self-test-')).length
    }
    // The third asks ffprobe for its version.
    assert.deepEqual([await trialsOf(1), await trialsOf(2)], [2, 0])
  })

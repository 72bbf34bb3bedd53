/** What a start loads, of the program as it is shipped. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { execa } from 'execa'
import { programFile } from '../testing/tools/program.ts'

const dir = await mkdtemp(join(tmpdir(), 'reelmesh-start-'))
after(() => rm(dir, { recursive: true, force: true }))

test('--help loads little of the program, and keeps it compiled from the first file on', async () => {
  const program = await programFile()
  await cp(dirname(program), join(dir, 'dist'), { recursive: true })
  await cp(join(import.meta.dirname, '..', 'bin'), join(dir, 'bin'), { recursive: true })
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: dir,
    XDG_CACHE_HOME: 'relative paths are ignored',
  }
  const { stdout } = await execa(join(dir, 'bin', 'reelmesh'), ['--help'], { env, extendEnv: false })
  assert.match(stdout, /drain \[options\] <peer>/)
  const compiled = join(dir, '.cache', 'reelmesh', 'compiled')
  const [build = ''] = await readdir(compiled)
  const files = await readdir(join(compiled, build))
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(compiled, build, file))).size))
  assert.ok(files.length >= 2, 'the file that enables the cache is not in it')
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 400_000, `it loaded ${files.length} files of ${sizes}`)
})

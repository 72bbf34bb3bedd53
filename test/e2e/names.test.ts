/** Names that are not UTF-8: every byte is kept, in `run`, `submit`, the API and watched folders, and shown as an escape. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fsPath, pathText } from '../../protocol/path-text.ts'
import { ensureSource } from '../../testing/sources/make.ts'
import { folder } from '../../testing/tools/folder.ts'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'
import { startNode, until } from './nodes.ts'

/** `café.mp4` as an old system wrote it, and its text. */
const NAME = Buffer.from('caf\xe9.mp4', 'latin1')
const TEXT = pathText(NAME)
const FAST = ['--preset', 'ultrafast', '--renditions', '480p']
/** The shell appends the bytes, which no string of Node can hold. */
const APPENDED = ['sh', '-c', `exec "$@" "$(printf 'caf\\351.mp4')"`, 'sh']

const inFolder = async (dir: string): Promise<string[]> =>
  (await readdir(dir, { encoding: 'buffer' })).map((name) => name.toString('latin1'))

async function folderWithFilm(t: Parameters<typeof folder>[0], below = ''): Promise<string> {
  const dir = await folder(t)
  await mkdir(join(dir, below), { recursive: true })
  await copyFile(await ensureSource('short'), fsPath(join(dir, below, TEXT)))
  return dir
}

test('a name that is not UTF-8 is encoded, delivered under its bytes, and shown as an escape', async (t) => {
  const dir = await folderWithFilm(t)
  const options = { cwd: dir, dataDir: join(dir, 'data'), prefix: APPENDED }
  const shown = await runCli(['run', '--out', 'out', ...FAST], options)
  assert.equal(shown.code, 0, shown.stderr)
  assert.match(shown.stdout, /caf\\xe9/)
  assert.deepEqual(await inFolder(join(dir, 'out', '480p')), ['caf\xe9.mp4'])
  const again = await runCli(['run', '--json', '--out', 'again', ...FAST], options)
  assert.equal(again.code, 0, again.stderr)
  const [submitted] = eventsOf(again.stdout).filter(({ event }) => event === 'submitted')
  assert.equal(submitted?.file, TEXT)
  assert.deepEqual(await inFolder(join(dir, 'again', '480p')), ['caf\xe9.mp4'])
})

test('a node takes such names from submit, from its API and from a watched folder', async (t) => {
  const dir = await folderWithFilm(t, 'in')
  const [input, output] = [join(dir, 'in'), join(dir, 'out')]
  const flags = ['--slots', '1', '--input', input, '--output', output, '--input-preset', 'ultrafast']
  await startNode(t, dir, { name: 'solo', flags: [...flags, '--input-renditions', '480p'] })
  const delivered = (folder: string) => async () =>
    (await inFolder(join(folder, '480p')).catch((): string[] => [])).includes('caf\xe9.mp4')
  await until('the film of the watched folder is delivered under its bytes', delivered(output))
  const submitted = await runCli(['submit', '--wait', '--out', join(dir, 'submitted'), ...FAST], {
    cwd: input,
    dataDir: join(dir, 'solo'),
    prefix: APPENDED,
  })
  assert.equal(submitted.code, 0, submitted.stderr)
  assert.ok(await delivered(join(dir, 'submitted'))())
})

/** A watched folder of a real node: its files are encoded once, and unusable ones are moved to `rejected/`. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { execa } from 'execa'
import { ensureSource, TOOLS } from '../../testing/sources/make.ts'
import { filesBelow, folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { ledgerOf, startNode, until } from './nodes.ts'

test('a node encodes each file of its folder once, and moves one that is no video, or is cut off, to rejected/', async (t) => {
  const dir = await folder(t)
  const [input, output] = [join(dir, 'in'), join(dir, 'out')]
  const inside = await runCli(['node', '--input', input, '--output', join(input, 'done')], { cwd: dir, dataDir: dir })
  assert.equal(inside.code, 2)
  assert.match(inside.stderr, /^reelmesh: results go to \S+, inside the watched folder/)

  const source = await ensureSource('short')
  await mkdir(join(input, 'series', 'one'), { recursive: true })
  await copyFile(source, join(input, 'series', 'one', 'film.mp4'))
  await copyFile(source, join(input, 'again.mp4'))
  const cut = join(input, 'series', 'cut.mkv')
  await execa(TOOLS.ffmpeg, ['-v', 'error', '-i', source, '-c', 'copy', cut])
  await truncate(cut, Math.floor((await stat(cut)).size * 0.6))
  await writeFile(join(input, 'series', 'bad.mp4'), 'this is a text file, not a video\n')
  const flags = ['--slots', '1', '--input', input, '--output', output, '--input-strict']
  const node = { name: 'solo', flags: [...flags, '--input-preset', 'ultrafast', '--input-renditions', '480p'] }
  const first = await startNode(t, dir, node)
  // By their names: a file that is being written counts too.
  const holds = (folder: string, files: string[]) => async () => isDeepStrictEqual(await filesBelow(folder), files)
  await until('both names of the film', holds(output, ['480p/again.mp4', '480p/series/one/film.mp4']))
  const rejected = join(input, 'rejected', 'series')
  const unusable = ['bad.mp4', 'bad.mp4.txt', 'cut.mkv', 'cut.mkv.txt']
  await until('unusable files are in rejected/', holds(rejected, unusable))
  assert.match(await readFile(join(rejected, 'cut.mkv.txt'), 'utf8'), /was cut off: .* whole files only/)
  assert.match(await readFile(join(rejected, 'bad.mp4.txt'), 'utf8'), /"\S+bad\.mp4" is not a video file/)
  assert.deepEqual(await readFile(join(input, 'series', 'one', 'film.mp4')), await readFile(source), 'left as it was')

  await first.stop()
  const again = await startNode(t, dir, { ...node, flags: [...node.flags, '--input-deadline', '2020-12-24 18:00'] })
  assert.match(again.log(), /input_deadline is past: what is put into the watched folder gets no deadline/)
  const other = Buffer.concat([await readFile(source), Buffer.from([0, 0, 0, 8, ...Buffer.from('free')])])
  await writeFile(join(input, 'later.mp4'), other)
  const ledger = await ledgerOf(t, dir)
  const deliveries = async () => (await ledger.events(500)).filter(({ what }) => what === 'delivered')
  await until('another film is delivered after a restart', async () => (await deliveries()).length >= 3)
  const deadlines = (await ledger.videos()).map(({ deadline }) => deadline)
  assert.deepEqual([...new Set(deadlines)], [null])
  const names = (await deliveries()).map(({ text }) => text.split(' was delivered to ')[0])
  assert.deepEqual(names.sort(), ['again', 'later', 'series/one/film'], 'each once')
  const tasks = (await ledger.tasks({ statuses: ['COMPLETED'] })).filter(({ kind }) => kind === 'video')
  const ended = tasks.map(({ failures, strikes, completed_attempt }) => ({ failures, strikes, completed_attempt }))
  const once = { failures: [], strikes: [], completed_attempt: 1 }
  assert.deepEqual(
    ended,
    [once, once],
    `two films of one chunk each, encoded once:\n${JSON.stringify(await ledger.events(500))}`,
  )
})

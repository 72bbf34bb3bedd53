import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { VideoId } from '../../protocol/ids.ts'
import { decodeTakenIn, encodeTakenIn, openTakenFiles } from './input-folder-state.ts'

const VIDEO = '0123456789abcdef' as VideoId

test('a submitted file has one text, with the id of its video while the ingest may refuse it', () => {
  const cases = [
    ['4:1700000000000', { print: '4:1700000000000', video: null }],
    [`4:1700000000000 ${VIDEO}`, { print: '4:1700000000000', video: VIDEO }],
  ] as const
  for (const [text, entry] of cases) {
    assert.equal(encodeTakenIn(entry), text)
    assert.deepEqual(decodeTakenIn(text), entry)
  }
})

test('a state file of an earlier version is read, and written back in the same form', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-input-state-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'state.json')
  const text = `{"a film.mp4":"4:17","series one/b.mp4":"5:18 ${VIDEO}"}`
  await writeFile(path, text)
  const taken = await openTakenFiles(path)
  assert.deepEqual(Object.fromEntries(taken.all), {
    'a film.mp4': { print: '4:17', video: null },
    'series one/b.mp4': { print: '5:18', video: VIDEO },
  })
  await taken.record('c.mp4', { print: '6:19', video: VIDEO }, new Map())
  assert.equal(await readFile(path, 'utf8'), text.replace('}', `,"c.mp4":"6:19 ${VIDEO}"}`))
  await taken.record('c.mp4', null, new Map())
  assert.equal(await readFile(path, 'utf8'), text)
})

test('a state file that is missing or damaged counts as empty', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-input-state-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'state.json')
  assert.equal((await openTakenFiles(path)).all.size, 0)
  for (const text of ['{"a.mp4":', '[]', '{"a.mp4":1}']) {
    await writeFile(path, text)
    assert.equal((await openTakenFiles(path)).all.size, 0, text)
  }
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFileHashes } from './file-hashes.ts'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')

test('a file is read once while its size and time stay the same, and again when they do not or by another cache', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-hashes-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const film = join(dir, 'film')
  const write = async (text: string, time: number) => {
    await writeFile(film, text)
    await utimes(film, time, time)
  }
  const hashes = createFileHashes()
  const { signal } = new AbortController()
  const at = (path: string, by = hashes) => by.at(path, signal)
  assert.equal(await at(film), null)
  await write('one', 1)
  assert.equal(await at(film), sha('one'))
  await write('two', 1)
  assert.equal(await at(film), sha('one'), 'nothing that shows has changed')
  await write('six', 2)
  assert.equal(await at(film), sha('six'))
  await write('ten', 2)
  assert.equal(await at(film, createFileHashes()), sha('ten'))
  await rm(film)
  assert.equal(await at(film), null)
})

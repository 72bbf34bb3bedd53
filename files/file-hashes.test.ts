import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fs, { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFileHashes } from './file-hashes.ts'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')

test('a file is read once while its identity stays the same, and again when it does not or by another cache', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-hashes-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const film = join(dir, 'film')
  const write = async (text: string, time: number) => {
    await writeFile(film, text)
    await utimes(film, time, time)
  }
  const hashes = createFileHashes()
  const { open } = fs
  let reads = 0
  t.mock.method(fs, 'open', (path: string, flags: string) => {
    reads++
    return open(path, flags)
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  const { signal } = new AbortController()
  const at = (path: string, by = hashes) => by.at(path, signal)
  assert.equal(await at(film), null)
  await write('one', 1)
  assert.equal(await at(film), sha('one'))
  assert.equal(await at(film), sha('one'))
  assert.equal(reads, 1)
  assert.equal(await at(film, createFileHashes()), sha('one'))
  assert.equal(reads, 2)
  // Clocks of file systems are coarse: a change shows once its time is another.
  const { ctimeMs } = await stat(film)
  do await write('two', 1)
  while ((await stat(film)).ctimeMs === ctimeMs)
  assert.equal(await at(film), sha('two'), 'though size and time are those of before')
  await rm(film)
  assert.equal(await at(film), null)
})

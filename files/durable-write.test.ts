import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { durableWrite } from './durable-write.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-durable-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('a durable write replaces the file, with its mode, and leaves no temporary file', async () => {
  const path = join(dir, 'new', 'state')
  await durableWrite(path, 'one', { temporary: `${path}.t`, mode: 0o600 })
  await durableWrite(path, 'two', { temporary: `${path}.t`, mode: 0o600 })
  assert.equal(await readFile(path, 'utf8'), 'two')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(join(dir, 'new')), ['state'])
})

test('a durable write that fails leaves the target as it was, and no temporary file', async () => {
  const path = join(dir, 'state')
  await mkdir(path)
  await assert.rejects(durableWrite(path, 'one', { temporary: `${path}.t` }), { code: 'EISDIR' })
  assert.deepEqual(await readdir(dir), ['state'])
  await assert.rejects(durableWrite(path, 'one', { temporary: join(dir, 'no', 't') }), { code: 'ENOENT' })
  assert.deepEqual(await readdir(dir), ['state'])
})

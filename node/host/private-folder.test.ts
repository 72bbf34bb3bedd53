import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { decideTrust, isOwnFolder, makePrivate, whyUntrusted } from './private-folder.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-private-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

test('a data folder is made for its user alone, and one that is open to others is closed to them', async () => {
  const [fresh, open] = [join(dir, 'a', 'b'), join(dir, 'open')]
  await makePrivate(fresh)
  await mkdir(open)
  await chmod(open, 0o755)
  await makePrivate(open)
  assert.deepEqual([await modeOf(fresh), await modeOf(open)], [0o700, 0o700])
})

test('a folder for sockets is a real one of this user, closed to others', async () => {
  assert.equal(await isOwnFolder(join(dir, 'own')), true)
  const open = join(dir, 'open')
  await mkdir(open)
  await chmod(open, 0o777)
  assert.equal(await isOwnFolder(open), false)
  await symlink(join(dir, 'own'), join(dir, 'link'))
  assert.equal(await isOwnFolder(join(dir, 'link')), false)
  await writeFile(join(dir, 'file'), '')
  assert.equal(await isOwnFolder(join(dir, 'file')), false)
})

test('a file that others may write to, or replace in its folder, is not trusted', async () => {
  const file = join(dir, 'file')
  await writeFile(file, '', { mode: 0o600 })
  assert.equal(await whyUntrusted(file), null)
  await chmod(file, 0o666)
  assert.match((await whyUntrusted(file)) ?? '', /^it may be changed by every user/)
  await chmod(file, 0o600)
  await chmod(dir, 0o777)
  assert.match((await whyUntrusted(file)) ?? '', /^its folder may be changed by every user/)
  await chmod(dir, 0o1777)
  assert.equal(await whyUntrusted(file), null)
})

test('files and folders of other users are not trusted, those of root and of a group of one’s own are', () => {
  const user = { uid: 1000, gid: 1000 }
  const of = (uid: number, gid: number, mode: number) => ({ uid, gid, mode })
  const own = of(1000, 1000, 0o644)
  assert.equal(decideTrust(own, of(1000, 1000, 0o775), user), null)
  assert.equal(decideTrust(of(0, 0, 0o644), of(0, 0, 0o755), user), null)
  assert.equal(decideTrust(of(1001, 1000, 0o644), own, user), 'it belongs to another user')
  assert.equal(decideTrust(own, of(1001, 1000, 0o755), user), 'its folder belongs to another user')
  assert.equal(decideTrust(own, of(1000, 100, 0o775), user), 'its folder may be changed by a group of other users')
})

/** Shared folders on a real disk: known by their marker wherever they are mounted, and never left by a path. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { MARKER_FILE, type SharedFolders } from '../../protocol/shared-folder.ts'
import { systemClock as clock, systemRng as rng } from '../host/system-clock.ts'
import { createKnownIds } from './known-ids.ts'
import { createSharedFolders, sharedSettings } from './shared-folders.ts'

let dir = ''
let films = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-shared-'))
  films = join(dir, 'films')
  await mkdir(films)
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** A peer with a data folder of its own. */
function peer(name: string, path = films): SharedFolders {
  const known = createKnownIds(join(dir, `${name}.json`))
  return createSharedFolders({ settings: sharedSettings([`films=${path}`]), clock, rng, known })
}

async function looked(name: string, path?: string): Promise<SharedFolders> {
  const folders = peer(name, path)
  await folders.look()
  return folders
}

it('is known by one id to all peers that look at once, under whatever path', async () => {
  await symlink(films, join(dir, 'mounted'))
  const all = [peer('a'), peer('b'), peer('c', join(dir, 'mounted'))]
  await Promise.all(all.map((each) => each.look()))
  const ids = new Set(all.flatMap((each) => each.seen().map(({ id }) => id)))
  assert.equal(ids.size, 1)
  assert.match([...ids][0] ?? '', /^[0-9a-f]{32}$/)
  assert.deepEqual(await readdir(films), [MARKER_FILE])
  const [a, , c] = all
  const place = await a!.placeOf(join(films, 'in', 'a.mp4'))
  assert.equal(place?.path, 'in/a.mp4')
  assert.equal(c!.pathOf(place!), join(films, 'in', 'a.mp4'))
  assert.equal((await a!.placeOf(films))?.path, '')
  assert.equal(await a!.placeOf(join(dir, 'films 2', 'a.mp4')), null)
})

it('has vanished where its marker has, gets no new one, and is seen when it is back', async () => {
  const folders = await looked('a')
  const seen = folders.seen()
  await rename(films, join(dir, 'away'))
  await folders.look()
  assert.deepEqual([folders.seen(), folders.states()[0]?.problem], [[], 'it is not there'])
  // The bare mount point.
  await mkdir(films)
  for (const each of [folders, peer('a')]) {
    await each.look()
    assert.deepEqual(each.seen(), [])
    assert.match(each.states()[0]?.problem ?? '', /has lost its \.reelmesh-shared: mount it again/)
  }
  assert.deepEqual(await readdir(films), [])
  await rm(films, { recursive: true })
  await rename(join(dir, 'away'), films)
  await folders.look()
  assert.deepEqual(folders.seen(), seen)
})

it('names no path that leads out of it, by its form or by a link', async () => {
  const folders = await looked('a')
  const [{ id: folder } = { id: '' }] = folders.seen()
  await writeFile(join(dir, 'secret'), 'secret')
  await mkdir(join(dir, 'elsewhere'))
  await writeFile(join(dir, 'elsewhere', 'f'), 'secret')
  await symlink(join(dir, 'secret'), join(films, 'link'))
  await symlink(join(dir, 'elsewhere'), join(films, 'folder'))
  await writeFile(join(films, 'film'), 'a film')
  for (const path of ['../secret', '/etc/passwd', 'a/../../secret', './film', 'film/', 'a//b', '..']) {
    assert.equal(folders.pathOf({ folder, path }), null, path)
    assert.equal(await folders.file({ folder, path }), null, path)
  }
  for (const path of ['link', 'folder/f', 'folder', 'none', ''])
    assert.equal(await folders.file({ folder, path }), null, path)
  assert.equal(folders.pathOf({ folder: 'f'.repeat(32), path: 'film' }), null)
  assert.partialDeepStrictEqual(await folders.file({ folder, path: 'film' }), { path: join(films, 'film'), bytes: 6 })
  // What a person names by a link is where it leads.
  assert.equal(await folders.placeOf(join(films, 'link')), null)
})

it('is not seen where its marker is a link or no marker', async () => {
  await writeFile(join(dir, 'made up'), JSON.stringify({ v: 1, id: 'a'.repeat(32) }))
  await symlink(join(dir, 'made up'), join(films, MARKER_FILE))
  assert.deepEqual((await looked('a')).seen(), [])
  await unlink(join(films, MARKER_FILE))
  await writeFile(join(films, MARKER_FILE), '{"v":1,"id":"../x"}')
  assert.match((await looked('b')).states()[0]?.problem ?? '', /is no marker file/)
  assert.equal(await readFile(join(films, MARKER_FILE), 'utf8'), '{"v":1,"id":"../x"}')
})

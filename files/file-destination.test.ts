/** The folder passes the rules of a destination, with and without hard links; and what only a disk can show. */
import assert from 'node:assert/strict'
import { constants } from 'node:fs'
import {
  chmod,
  copyFile,
  lchown,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { sha256Of, videoNumber } from '../protocol/conformance/blobs.ts'
import { destinationConformance } from '../protocol/conformance/destination.ts'
import type { DestinationWorld } from '../protocol/conformance/destination-world.ts'
import { FILE_MODE } from '../protocol/destination.ts'
import { isDiskFull } from '../protocol/errors.ts'
import { asPeerId } from '../protocol/ids.ts'
import { createFileDestination, type Disk } from './file-destination.ts'

/** As on FAT. */
const noLinks: typeof link = async () => {
  throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })
}

/** The disk is full when half of the file is written. */
const halfCopy: typeof copyFile = async (from, to, mode) => {
  if (Number(mode) & constants.COPYFILE_FICLONE_FORCE)
    throw Object.assign(new Error('ENOTSUP: operation not supported, copyfile'), { code: 'ENOTSUP' })
  const content = await readFile(from)
  await writeFile(to, content.subarray(0, content.byteLength / 2))
  throw Object.assign(new Error('ENOSPC: no space left on device, copyfile'), { code: 'ENOSPC' })
}

/** A file, or one of a folder. */
const isUnfinished = (path: string): boolean => path.split('/').some((part) => part.endsWith('.part'))

async function diskWorld(disk: Disk): Promise<DestinationWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-folder-'))
  const folder = join(dir, 'out')
  const paths = async (): Promise<string[]> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
  }
  return {
    open: () => createFileDestination(folder, disk),
    openFull: () => createFileDestination(folder, { ...disk, copyFile: halfCopy }),
    async openClosed() {
      await writeFile(join(dir, 'file'), '')
      return [
        [
          createFileDestination(join(dir, 'file')),
          /the output folder .*file(\/480p)? is not a folder; choose another with --out/,
        ],
        [createFileDestination(join(dir, 'file', 'deep')), /is not a folder/],
        // Nobody, root included, can make a folder below /proc.
        [createFileDestination('/proc/reelmesh'), /cannot be written to/],
      ]
    },
    async write(path, content) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      // A file of its own, as people's tools write it: a new inode distinguishes it from the one before.
      await rm(join(folder, path), { force: true })
      await writeFile(join(folder, path), content)
    },
    remove: (path) => rm(join(folder, path)),
    async files() {
      const seen = (await paths()).filter((path) => !isUnfinished(path))
      return Object.fromEntries(
        await Promise.all(seen.map(async (path) => [path, await readFile(join(folder, path), 'utf8')] as const)),
      )
    },
    unfinished: async () => (await paths()).filter(isUnfinished).length,
    close: () => rm(dir, { recursive: true, force: true }),
  }
}

destinationConformance('a folder', () => diskWorld({ copyFile, link }))
destinationConformance('a folder without hard links', () => diskWorld({ copyFile, link: noLinks }))

describe('a folder as a destination', () => {
  const { signal } = new AbortController()
  const file = {
    path: '480p/film.mp4',
    sha256: sha256Of('mine'),
    bytes: 4,
    video: videoNumber(1),
    peer: asPeerId('12D3KooWannnnnnnn'),
    mode: FILE_MODE,
  }
  let dir = ''
  let out = ''
  let film = ''
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reelmesh-folder-'))
    out = join(dir, 'out')
    film = join(dir, 'film')
    await writeFile(film, 'mine')
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('starts no copy that does not fit, nor one whose caller has aborted', async () => {
    let copies = 0
    const countCopies: typeof copyFile = async (from, to, mode) => {
      if (Number(mode) & constants.COPYFILE_FICLONE_FORCE)
        throw Object.assign(new Error('ENOTSUP: operation not supported, copyfile'), { code: 'ENOTSUP' })
      copies++
      await copyFile(from, to)
    }
    const destination = createFileDestination(out, { copyFile: countCopies, link })
    await assert.rejects(destination.put({ ...file, bytes: Number.MAX_SAFE_INTEGER }, film, signal), isDiskFull)
    const ended = AbortSignal.abort(new Error('the node stops'))
    await assert.rejects(destination.put(file, film, ended), /the node stops/)
    assert.deepEqual([copies, await readdir(join(out, '480p'))], [0, []])
    await destination.put(file, film, signal)
    assert.equal(copies, 1)
  })

  it('is content with the same bytes that others name in the very moment of its own link', async () => {
    const secondLink: typeof link = async (from, to) => {
      await writeFile(to, 'mine')
      await link(from, to)
    }
    const destination = createFileDestination(out, { copyFile, link: secondLink })
    await destination.put(file, film, signal)
    assert.equal(await destination.place(file, { replace: false, signal }), 'there')
    assert.deepEqual(await readdir(join(out, '480p')), ['film.mp4'])
  })

  it('writes through no link that another user makes where the unfinished bytes go', async () => {
    const part = join(out, '480p', `.${videoNumber(1)}-${sha256Of('mine').slice(0, 16)}-nnnnnnnn.part`)
    await writeFile(join(dir, 'private'), 'private')
    const between: typeof copyFile = async (from, to, mode) => {
      await rm(part, { force: true })
      await symlink(join(dir, 'private'), part)
      await copyFile(from, to, mode)
    }
    await assert.rejects(createFileDestination(out, { copyFile: between, link }).put(file, film, signal), /EEXIST/)
    assert.equal(await readFile(join(dir, 'private'), 'utf8'), 'private')
    await createFileDestination(out).put(file, film, signal)
    assert.equal(await createFileDestination(out).place(file, { replace: false, signal }), 'placed')
  })

  it('gives files the mode that is asked for, less the umask, and nobody else more at any moment', async () => {
    await chmod(film, 0o600)
    const modeOf = async (path: string) => (await stat(path)).mode & 0o777
    const meanwhile: number[] = []
    const looking: typeof copyFile = async (from, to, mode) => {
      await copyFile(from, to, mode)
      meanwhile.push(await modeOf(String(to)))
    }
    const destination = createFileDestination(out, { copyFile: looking, link })
    const umask = process.umask()
    for (const [mode, expected] of [
      [0o600, 0o600],
      [0o400, 0o600],
      [0o640, 0o640 & ~umask],
      [0o644, 0o644 & ~umask],
      [0o777, 0o666 & ~umask],
    ] as const) {
      const one = { ...file, path: `480p/${mode.toString(8)}.mp4`, mode }
      await destination.put(one, film, signal)
      await destination.place(one, { replace: false, signal })
      assert.equal(await modeOf(join(out, one.path)), expected, mode.toString(8))
    }
    assert.deepEqual(new Set(meanwhile), new Set([0o600]))
  })

  it('changes the mode of no file whose link takes the place of the unfinished bytes', async () => {
    const secret = join(dir, 'private')
    await writeFile(secret, 'mine', { mode: 0o600 })
    const after: typeof copyFile = async (from, to, mode) => {
      await copyFile(from, to, mode)
      await rm(to)
      await symlink(secret, to)
    }
    await assert.rejects(createFileDestination(out, { copyFile: after, link }).put(file, film, signal), /ELOOP/)
    assert.equal((await stat(secret)).mode & 0o777, 0o600)
  })

  it('delivers through no folder that is a link of another user', {
    skip: process.getuid?.() !== 0 && 'only root can make one',
  }, async () => {
    await mkdir(out)
    await mkdir(join(dir, 'elsewhere'))
    await symlink(join(dir, 'elsewhere'), join(out, '480p'))
    await lchown(join(out, '480p'), 1234, 1234)
    await assert.rejects(createFileDestination(out).put(file, film, signal), /is a link that another user made/)
    await lchown(join(out, '480p'), 0, 0)
    await createFileDestination(out).put(file, film, signal)
    assert.equal((await readdir(join(dir, 'elsewhere'))).length, 1)
  })

  it('removes unfinished bytes of other peers where it is the only one that delivers', async () => {
    const other = { ...file, peer: asPeerId(`12D3KooW${'o'.repeat(44)}`) }
    const destination = createFileDestination(out)
    await destination.put(other, film, signal)
    await destination.put(file, film, signal)
    await destination.place(file, { replace: false, isOnly: true, signal })
    assert.deepEqual(await readdir(join(out, '480p')), ['film.mp4'])
  })

  it('hides unfinished bytes beside their path, under a name of the video, the bytes and the peer', async () => {
    await createFileDestination(out).put(file, film, signal)
    const part = `.${videoNumber(1)}-${sha256Of('mine').slice(0, 16)}-nnnnnnnn.part`
    assert.deepEqual(await readdir(join(out, '480p')), [part])
  })
})

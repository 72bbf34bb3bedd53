/** The rules of `BlobStore` in `blobs.ts`, as one suite that every adapter passes. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  appendFile,
  chmod,
  copyFile,
  link,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { BlobStore, SourceReference } from '../blobs.ts'
import { asSha256, isVideoId, type Sha256, type VideoId } from '../ids.ts'

export interface BlobWorld {
  /** Two handles of one store, as two processes that share a folder have them. */
  readonly store: BlobStore
  readonly other: BlobStore
  /** The identity of a file as its source has it (`SourceFacts`). */
  identityOf(path: string): Promise<string>
  close(): Promise<void>
}

export const videoNumber = (n: number): VideoId => {
  const id = n.toString(16).padStart(16, '0')
  assert.ok(isVideoId(id))
  return id
}
export const sha256Of = (bytes: Uint8Array | string): Sha256 =>
  asSha256(createHash('sha256').update(bytes).digest('hex'))

export function blobStoreConformance(name: string, makeWorld: () => Promise<BlobWorld>): void {
  describe(`a blob store: ${name}`, () => {
    let world: BlobWorld
    let store: BlobStore
    let other: BlobStore
    let videos = 0
    const newVideo = () => videoNumber(++videos)

    before(async () => {
      world = await makeWorld()
      ;({ store, other } = world)
    })
    after(() => world.close())

    /** A file of this content in a scratch folder. */
    const file = async (content: string | Uint8Array): Promise<string> => {
      const path = join(await store.scratch('test'), 'made here.bin')
      await writeFile(path, content)
      return path
    }

    /** Waits for the next tick of the file system's clock, which is coarse: a change within one tick does not show. */
    const nextTick = async (path: string): Promise<void> => {
      const { ctimeMs } = await stat(path)
      do await writeFile(`${path}.tick`, '')
      while ((await stat(`${path}.tick`)).ctimeMs <= ctimeMs)
    }

    it('gives each caller a scratch folder of its own, empty, whatever the name', async () => {
      const names = ['worker', 'worker', '../../evil', 'a b/c\n', '']
      const folders = await Promise.all(names.map((each) => store.scratch(each)))
      assert.equal(new Set(folders).size, names.length)
      for (const folder of folders) assert.ok((await stat(folder)).isDirectory())
      const parent = join(folders[0] ?? '', '..')
      for (const folder of folders) assert.equal(join(folder, '..'), parent)
    })

    it('moves a file in under its hash, and finds it with and without its video, from both handles', async () => {
      const video = newVideo()
      const path = await file('some bytes')
      const ref = await store.put(video, path)
      assert.deepEqual(ref, { sha256: sha256Of('some bytes'), bytes: 10 })
      await assert.rejects(stat(path), { code: 'ENOENT' })
      for (const handle of [store, other]) {
        const found = await handle.find(ref.sha256, video)
        assert.equal(found && (await readFile(found, 'utf8')), 'some bytes')
        assert.equal(await handle.find(ref.sha256), found)
        assert.deepEqual(await handle.list(video), [ref.sha256])
      }
    })

    it('answers many questions from one list of what is there, which what comes later is not in', async () => {
      const [video, later] = [newVideo(), newVideo()]
      const { sha256 } = await store.put(video, await file('listed'))
      const listed = await other.listed()
      const after = await store.put(later, await file('not listed'))
      const path = await store.find(sha256, video)
      assert.ok(path)
      for (const each of [video, later]) assert.equal(await listed.find(sha256, each), path)
      assert.equal(await listed.find(after.sha256, later), null)
      assert.equal(await listed.find('../../x' as Sha256, video), null)
      assert.equal(await listed.reference(video), null)
      await store.drop(video)
      assert.equal(await listed.find(sha256, video), null)
    })

    it('may be given the same bytes twice, also at once', async () => {
      const video = newVideo()
      const paths = await Promise.all([1, 2, 3].map(() => file('again')))
      const refs = await Promise.all(paths.map((path, at) => (at === 0 ? other : store).put(video, path)))
      for (const ref of refs) assert.deepEqual(ref, refs[0])
      assert.deepEqual(await store.list(video), [refs[0]?.sha256])
      assert.equal(await store.verify(sha256Of('again'), video), true)
    })

    it('stores an empty blob too', async () => {
      const ref = await store.put(newVideo(), await file(''))
      assert.deepEqual(ref, { sha256: sha256Of(''), bytes: 0 })
      assert.ok(await store.find(ref.sha256))
    })

    it('adopts a file whose hash was already checked', async () => {
      const video = newVideo()
      const ref = { sha256: sha256Of('fetched'), bytes: 7 }
      await store.adopt(video, await file('fetched'), ref)
      await store.adopt(video, await file('fetched'), ref)
      assert.ok(await other.find(ref.sha256, video))
    })

    it('answers null for what it does not have and for what is no hash', async () => {
      assert.equal(await store.find(sha256Of('nobody has this')), null)
      assert.equal(await store.find(sha256Of('nobody has this'), newVideo()), null)
      assert.equal(await store.find('../../../etc/passwd' as Sha256), null)
      assert.equal(await store.find(sha256Of('x'), '../..' as VideoId), null)
      assert.deepEqual(await store.list(newVideo()), [])
    })

    it('refuses to write under a name that is no video id', async () => {
      await assert.rejects(store.put('../../../tmp' as VideoId, await file('evil')))
      await assert.rejects(store.drop('..' as VideoId))
    })

    it('finds a corrupt blob when it verifies, and removes it', async () => {
      const video = newVideo()
      const { sha256 } = await store.put(video, await file('will be corrupt'))
      assert.equal(await store.verify(sha256, video), true)
      const path = await store.find(sha256, video)
      await writeFile(path ?? '', 'corrupt!')
      assert.equal(await store.verify(sha256, video), false)
      assert.equal(await store.find(sha256, video), null)
      assert.equal(await store.verify(sha256, video), false)
    })

    /** A reference to the file as it is. */
    const referenceTo = async (path: string): Promise<SourceReference> => {
      const content = await readFile(path)
      return {
        sha256: sha256Of(content),
        bytes: content.byteLength,
        path,
        identity: await world.identityOf(path),
      }
    }

    it('holds a source where it lies, and finds it with its identity', async () => {
      const video = newVideo()
      const path = await file('the source film')
      const source = await referenceTo(path)
      await store.refer(video, source)
      for (const handle of [store, other]) {
        assert.deepEqual(await handle.reference(video), source)
        assert.deepEqual(await handle.lookUp(source.sha256, video), { ...source })
        assert.equal(await handle.find(source.sha256, video), path)
        assert.equal(await handle.find(source.sha256), path)
        const listed = await handle.listed()
        assert.deepEqual(await listed.reference(video), source)
        for (const each of [video, newVideo()]) assert.equal(await listed.find(source.sha256, each), path)
        assert.equal(await handle.changedSource(source.sha256, video), null)
        assert.equal(await handle.verify(source.sha256, video), true)
      }
    })

    /** What people do to a file that leaves its bytes alone. */
    const HARMLESS: Record<string, (path: string) => Promise<unknown>> = {
      'gets another mode': (path) => chmod(path, 0o600),
      'gets another name, too': (path) => link(path, `${path}.link`),
      'gets another time': (path) => utimes(path, new Date(1_000), new Date(2_000)),
      'is replaced by a copy': async (path) => {
        await copyFile(path, `${path}.new`)
        await rename(`${path}.new`, path)
      },
      'is moved away and back': async (path) => {
        await rename(path, `${path}.away`)
        await rename(`${path}.away`, path)
      },
      'is read': readFile,
    }
    for (const [how, act] of Object.entries(HARMLESS))
      it(`holds a source that ${how}, by its new identity`, async () => {
        const video = newVideo()
        const path = await file('the source film')
        const source = await referenceTo(path)
        await store.refer(video, source)
        await act(path)
        const now = { ...source, identity: await world.identityOf(path) }
        for (const handle of [store, other]) {
          assert.deepEqual(await handle.reference(video), now)
          assert.equal((await handle.lookUp(source.sha256, video))?.identity, now.identity)
          assert.equal(await handle.changedSource(source.sha256, video), null)
        }
      })

    /** What they do to it that makes it another film. All keep the modification time. */
    const HARMFUL: Record<string, (path: string) => Promise<unknown>> = {
      'is replaced': async (path) => {
        await writeFile(`${path}.new`, (await readFile(path, 'utf8')).toUpperCase())
        await rename(`${path}.new`, path)
      },
      'is written over in place': (path) => writeFile(path, 'another film', { flag: 'r+' }),
      'becomes a link to another film': async (path) => {
        await writeFile(`${path}.private`, (await readFile(path, 'utf8')).toUpperCase())
        await rm(path)
        await symlink(`${path}.private`, path)
      },
      grows: (path) => appendFile(path, '!'),
      'is cut short': (path) => truncate(path, 3),
    }
    for (const [how, act] of Object.entries(HARMFUL))
      it(`does not hold a source that ${how}, and says so until its bytes are back`, async () => {
        const video = newVideo()
        const path = await file(`a film that ${how}`)
        const { atime, mtime } = await stat(path)
        const source = await referenceTo(path)
        await store.refer(video, source)
        await nextTick(path)
        await act(path)
        await utimes(path, atime, mtime)
        for (const handle of [store, other]) {
          assert.equal(await handle.reference(video), null)
          assert.equal(await handle.lookUp(source.sha256, video), null)
          assert.equal(await handle.find(source.sha256), null)
          assert.equal(await handle.changedSource(source.sha256, video), 'made here.bin')
          assert.equal(await handle.changedSource(sha256Of('another'), video), null)
        }
        await writeFile(path, `a film that ${how}`)
        assert.equal(await other.find(source.sha256, video), path)
        assert.equal(await other.changedSource(source.sha256, video), null)
        await rm(path)
        assert.equal(await store.find(source.sha256, video), null)
        assert.equal(await store.changedSource(source.sha256, video), null, 'it is gone, not changed')
      })

    it('does not hold a source whose disk gives other bytes by now, though nothing shows it, once it is verified', async () => {
      const video = newVideo()
      const path = await file('damaged')
      const { sha256 } = await referenceTo(await file('whole!!'))
      await store.refer(video, { ...(await referenceTo(path)), sha256 })
      assert.equal(await store.find(sha256, video), path)
      assert.equal(await store.verify(sha256, video), false)
      assert.equal(await store.find(sha256, video), null)
      assert.equal(await readFile(path, 'utf8'), 'damaged')
    })

    it('holds a source under a name with spaces, quotes, newline, emoji and percent', async () => {
      const video = newVideo()
      const path = join(await store.scratch('odd'), `-a "b" 'c' \n %d 🎬.mp4`)
      await writeFile(path, 'odd')
      await store.refer(video, await referenceTo(path))
      assert.equal(await other.find(sha256Of('odd'), video), path)
    })

    it('removes one blob of one video, and is not troubled by one that is not there', async () => {
      const video = newVideo()
      const gone = await store.put(video, await file('fetched, and nowhere else'))
      const stored = await store.put(video, await file('made'))
      await store.remove(gone.sha256, video)
      await store.remove(gone.sha256, video)
      assert.equal(await store.find(gone.sha256, video), null)
      assert.notEqual(await store.find(stored.sha256, video), null)
    })

    it('prunes all but the named, and retains the reference', async () => {
      const video = newVideo()
      const source = await file('source')
      await store.refer(video, await referenceTo(source))
      const stored = await store.put(video, await file('result'))
      const gone = await store.put(video, await file('intermediate'))
      await store.prune(video, new Set([stored.sha256]))
      assert.deepEqual(await other.list(video), [stored.sha256])
      assert.equal(await other.find(gone.sha256), null)
      await store.prune(video, new Set())
      await store.prune(video, new Set())
      assert.deepEqual(await store.list(video), [])
      assert.ok(await other.reference(video))
    })

    it('drops a video whole, and leaves its source file alone', async () => {
      const video = newVideo()
      const neighbour = newVideo()
      const source = await file('precious')
      await store.refer(video, await referenceTo(source))
      await store.put(video, await file('mine'))
      const { sha256 } = await store.put(neighbour, await file('not mine'))
      assert.ok((await other.videos()).includes(video))
      await store.drop(video)
      await store.drop(video)
      assert.ok(!(await other.videos()).includes(video))
      assert.equal(await readFile(source, 'utf8'), 'precious')
      assert.ok(await store.find(sha256, neighbour))
    })

    it('names every video that has anything here', async () => {
      const [one, two] = [newVideo(), newVideo()]
      await store.put(one, await file('one'))
      const source = await file('two')
      await other.refer(two, await referenceTo(source))
      const videos = await store.videos()
      assert.ok(videos.includes(one) && videos.includes(two))
      assert.equal(new Set(videos).size, videos.length)
    })

    it('says how much space there is', async () => {
      const { freeBytes, totalBytes } = await store.room()
      assert.ok(freeBytes > 0 && freeBytes <= totalBytes)
    })
  })
}

/** The file passes the rules of a source; and what only a disk can show. */
import assert from 'node:assert/strict'
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { createBlobStore } from '../blobs/blob-store.ts'
import { sha256Of, videoNumber } from '../protocol/conformance/blobs.ts'
import { type SourceWorld, sourceConformance } from '../protocol/conformance/source.ts'
import { SourceUnsettled } from '../protocol/errors.ts'
import { silentLog } from '../protocol/log.ts'
import { readContent, type Source } from '../protocol/source.ts'
import { createFileSource } from './file-source.ts'

const newFolder = () => mkdtemp(join(tmpdir(), 'reelmesh-source-'))

/** `change` is how its owner changes the file. */
async function diskWorld(
  content: string,
  change: (path: string, content: string) => Promise<void>,
): Promise<SourceWorld> {
  const dir = await newFolder()
  const path = join(dir, 'my film.v2.mov')
  await writeFile(path, content)
  return {
    open: () => createFileSource(path),
    write: (content) => change(path, content),
    remove: () => rm(path),
    async openUseless() {
      await mkdir(join(dir, 'folder'))
      return [
        [createFileSource(join(dir, 'none.mov')), /none\.mov": there is no such file/],
        [createFileSource(join(path, 'below.mov')), /there is no such file/],
        [createFileSource(join(dir, 'folder')), /folder": it is not a regular file/],
      ]
    },
    store: await createBlobStore({ dir: join(dir, 'store'), log: silentLog, isDurable: false }),
    readFound: (found) => readFile(found, 'utf8'),
    close: () => rm(dir, { recursive: true, force: true }),
  }
}

sourceConformance('a file that is written over', (content) =>
  diskWorld(content, async (path, content) => {
    // Clocks of file systems are coarse: a change shows once its time is another.
    const { mtimeMs } = await stat(path)
    await writeFile(path, content)
    await utimes(path, new Date(mtimeMs + 2_000), new Date(mtimeMs + 2_000))
  }),
)
sourceConformance('a file that is replaced', (content) =>
  diskWorld(content, async (path, content) => {
    await writeFile(`${path}.new`, content)
    await rename(`${path}.new`, path)
  }),
)

it('a file is referred to where it lies, with its size and time, and another in its place with both of these is seen', async (t) => {
  const dir = await newFolder()
  t.after(() => rm(dir, { recursive: true, force: true }))
  const store = await createBlobStore({ dir: join(dir, 'store'), log: silentLog, isDurable: false })
  const path = join(dir, 'film')
  const time = new Date(86_400_000)
  await writeFile(path, 'one')
  await utimes(path, time, time)
  const source = createFileSource(path)
  assert.deepEqual([source.address, source.name, await source.input()], [path, 'film', path])
  const { signal } = new AbortController()
  const content = await readContent(source, signal)
  await source.hold(content, videoNumber(1), store, signal)
  assert.deepEqual(await store.reference(videoNumber(1)), {
    sha256: sha256Of('one'),
    bytes: 3,
    path,
    identity: content.identity,
  })
  await writeFile(join(dir, 'other'), 'two')
  await utimes(join(dir, 'other'), time, time)
  await rename(join(dir, 'other'), path)
  await assert.rejects(source.hold(content, videoNumber(2), store, signal), SourceUnsettled)
})

it('a file that gets a new link while it is hashed is hashed again, and taken', async (t) => {
  const dir = await newFolder()
  t.after(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'film')
  await writeFile(path, 'one')
  const source = createFileSource(path)
  let reads = 0
  const linked: Source = {
    ...source,
    async *read(range, signal) {
      yield* source.read(range, signal)
      if (reads++ === 0) await link(path, join(dir, 'another name'))
    },
  }
  const { signal } = new AbortController()
  const content = await readContent(linked, signal)
  assert.deepEqual(content, { sha256: sha256Of('one'), ...(await source.stat(signal)) })
  assert.equal(reads, 2)
})

it('a file is open only while it is read, also where the reader leaves early', async (t) => {
  const dir = await newFolder()
  t.after(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'film')
  await writeFile(path, 'one')
  const source = createFileSource(path)
  const { signal } = new AbortController()
  const { identity } = await source.stat(signal)
  const openFiles = async () => {
    const all = await readdir('/proc/self/fd')
    const paths = await Promise.all(all.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    return paths.filter((each) => each === path).length
  }
  for await (const _ of source.read({ from: 0, to: 3, identity }, signal)) {
    assert.equal(await openFiles(), 1)
    break
  }
  assert.equal(await openFiles(), 0)
})

it('names a source by its file without the ending, and never as a folder', () => {
  const names = ['/a/film.mp4', '/a/.mp4', '/a/..mp4', '/a/...mp4', '/a/b.c.mkv'].map(
    (path) => createFileSource(path).name,
  )
  assert.deepEqual(names, ['film', '.mp4', '..mp4', '...mp4', 'b.c'])
})

/** Results made from blobs that became corrupt during the read are dropped: with the store on a real disk. */
import assert from 'node:assert/strict'
import { appendFile, link, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { identityAt } from '../files/file-hashes.ts'
import { hashFile } from '../files/hash-file.ts'
import { type BlobRef, withIntactBlobs } from '../protocol/blobs.ts'
import { AttemptFailed } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import { silentLog } from '../protocol/log.ts'
import { createBlobStore, type DiskBlobStore } from './blob-store.ts'

const video = '0123456789abcdef' as VideoId
let dir = ''
let store: DiskBlobStore
let blobs: BlobRef[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-sound-'))
  store = await createBlobStore({ dir: join(dir, 'store'), log: silentLog, isDurable: false })
  blobs = []
  for (let at = 0; at < 20; at++) {
    const path = join(await store.scratch('made'), 'blob')
    await writeFile(path, `bytes ${at}`)
    blobs.push(await store.put(video, path))
  }
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const act = <T>(does: () => Promise<T>, signal = new AbortController().signal) =>
  withIntactBlobs({ store, video, blobs, signal }, does)
const corrupt = async ({ sha256 }: BlobRef) => writeFile((await store.find(sha256, video))!, 'corrupt')
const isMissing = (error: unknown) => error instanceof AttemptFailed && error.code === 'input_missing'

it('answers as the act did while all is as it was', async () => {
  assert.equal(await act(async () => 7), 7)
  await assert.rejects(
    act(() => Promise.reject(new Error('of its own'))),
    /of its own/,
  )
})

it('takes neither a result nor a failure for true where one blob changed meanwhile, and removes that one', async () => {
  await assert.rejects(
    act(async () => corrupt(blobs[17]!)),
    isMissing,
  )
  assert.equal(await store.find(blobs[17]!.sha256, video), null)
  assert.notEqual(await store.find(blobs[16]!.sha256, video), null)
  const failing = act(async () => {
    await corrupt(blobs[3]!)
    throw new Error('it cannot be read')
  })
  await assert.rejects(failing, isMissing)
})

it('looks at a source by reference by its identity', async () => {
  const path = join(dir, 'film.mov')
  await writeFile(path, 'a film')
  const source = { ...(await hashFile(path)), path, identity: (await identityAt(path))! }
  await store.refer(video, source)
  blobs = [source]
  assert.equal(await act(async () => 7), 7)
  await assert.rejects(
    act(() => link(path, `${path}.link`)),
    isMissing,
    'another file may have lain there meanwhile',
  )
  assert.equal(await act(async () => 8), 8)
  await assert.rejects(
    act(() => appendFile(path, ' and more')),
    isMissing,
  )
})

it('reads a source on where an equal file is submitted meanwhile, unless it is changed too', async () => {
  const [path, other] = [join(dir, 'film.mov'), join(dir, 'again.mov')]
  for (const each of [path, other]) await writeFile(each, 'a film')
  const sourceAt = async (at: string) => ({ ...(await hashFile(at)), path: at, identity: (await identityAt(at))! })
  await store.refer(video, await sourceAt(path))
  blobs = [await sourceAt(path)]
  const again = await sourceAt(other)
  await act(() => store.refer(video, again))
  const source = await sourceAt(path)
  await store.refer(video, source)
  await assert.rejects(
    act(async () => {
      await store.refer(video, again)
      await appendFile(path, ' and more')
    }),
    isMissing,
  )
})

it('looks at nothing once it is given up', async () => {
  const controller = new AbortController()
  const given = act(async () => {
    await corrupt(blobs[0]!)
    controller.abort(new Error('lost'))
    controller.signal.throwIfAborted()
  }, controller.signal)
  await assert.rejects(given, /lost/)
})

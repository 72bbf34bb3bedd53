/** Results in the folders of people, on a real disk: read as long as they are what was delivered. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { renditionPath } from '../../protocol/artifact.ts'
import type { DeliveredBlobs } from '../../protocol/blobs.ts'
import { asPeerId, asSha256, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Video } from '../../protocol/video.ts'
import { openDestination } from '../addresses.ts'
import { createDeliveredBlobs } from './delivered-blobs.ts'
import type { DeliveryFolders } from './delivery-folders.ts'
import { aVideo } from './video.fixture.ts'

const self = asPeerId('12D3KooWme')
const FILM = 'a whole film'
const sha256 = asSha256(createHash('sha256').update(FILM).digest('hex'))
const id = '0123456789abcdef' as VideoId
const { signal } = new AbortController()

let dir = ''
let path = ''
let video: Video | null
let folder: Awaited<ReturnType<DeliveryFolders['folderOf']>>
let delivered: DeliveredBlobs
/** How often the file was hashed. */
let hashed: number
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-delivered-'))
  path = join(dir, '480p', 'film.mp4')
  await mkdir(join(dir, '480p'))
  await writeFile(path, FILM)
  folder = dir
  hashed = 0
  video = aVideo({
    _id: id,
    status: 'COMPLETED',
    outputs: [{ path: renditionPath('480p'), media_type: 'video/mp4', sha256, bytes: FILM.length, holders: [] }],
    deliveries: [{ peer: self, dir, name: 'film', done_at: 1 }],
  })
  delivered = createDeliveredBlobs({
    ledger: { video: async (asked: VideoId) => (asked === id ? video : null) } as Pick<Ledger, 'video'>,
    deliveryFolders: { folderOf: async () => folder },
    openDestination(address) {
      const destination = openDestination(address)
      const sha256At: typeof destination.sha256At = (...asked) => {
        hashed++
        return destination.sha256At(...asked)
      }
      return { ...destination, sha256At }
    },
  })
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function textOf(from = 0, to = FILM.length): Promise<string | null> {
  const found = await delivered.open(sha256, id, signal)
  if (found === null) return null
  const pieces: Uint8Array[] = []
  for await (const piece of found.read({ from, to }, signal)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

describe('delivered blobs', () => {
  it('are read by ranges where they were delivered', async () => {
    assert.equal(await textOf(), FILM)
    assert.equal(await textOf(2, 7), 'whole')
  })

  it('are hashed once for all who ask at once', async () => {
    assert.deepEqual(await Promise.all([textOf(), textOf(), textOf()]), [FILM, FILM, FILM])
    assert.equal(hashed, 1)
  })

  const none: readonly (readonly [what: string, act: () => Promise<unknown> | unknown])[] = [
    ['a file that was changed', () => writeFile(path, 'a WHOLE film')],
    ['a file that was made shorter', () => writeFile(path, 'a film')],
    ['a file that was moved', () => rm(path)],
    ['a delivery that is not done', () => (video!.deliveries[0]!.done_at = null)],
    ['a folder of another peer', () => (folder = 'elsewhere')],
    ['a folder that nobody asked for', () => (folder = 'refused')],
    ['a shared folder that is not seen', () => (folder = 'unseen')],
    ['a video that is made again', () => (video!.status = 'MERGING')],
    ['a video that is gone', () => (video = null)],
    ['bytes that are no result', () => (video!.outputs = [])],
  ]
  for (const [what, act] of none)
    it(`are not found: ${what}`, async () => {
      assert.equal(await textOf(), FILM)
      await act()
      assert.equal(await textOf(), null)
    })

  it('are found again once the bytes are back', async () => {
    await writeFile(path, 'a WHOLE film')
    assert.equal(await textOf(), null)
    await writeFile(path, FILM)
    assert.equal(await textOf(), FILM)
  })
})

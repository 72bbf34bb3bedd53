/** Uploads on the disk: their bounds, what a new process finds of them, and when they are removed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { VideoId } from '../../protocol/ids.ts'
import type { Video } from '../../protocol/video.ts'
import type { Ends } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'
import { systemRng as rng } from '../host/system-clock.ts'
import { type TidyUploadsOptions, tidyUploads } from './tidy-uploads.ts'
import { createUploadFiles, UPLOAD_IDLE_MS } from './upload-files.ts'

const { signal } = new AbortController()
const id = (n: number) => n.toString(16).padStart(32, '0')

async function started(t: Ends, { bytesMax = 1_000, freeBytes = 1e12, dir = '' } = {}) {
  const room = async () => ({ freeBytes, totalBytes: 1e12 })
  const uploads = createUploadFiles({ dir: dir || join(await folder(t), 'uploads'), bytesMax, room, rng })
  await uploads.start()
  const upload = async (n: number, content: string, metadata: Record<string, string> = {}, bytes = content.length) => {
    await uploads.admit(id(n), bytes)
    await uploads.write(id(n), { bytes, metadata })
    await writeFile(join(uploads.dir, id(n)), content)
  }
  return { uploads, upload }
}

test('uploads are bounded by number, by bytes in all and by the room of the disk', async (t) => {
  const { uploads, upload } = await started(t)
  await upload(1, 'x'.repeat(600))
  await assert.rejects(uploads.admit(id(2), 1_001), { code: 'too_large' })
  await assert.rejects(uploads.admit(id(2), 401), { code: 'no_room', message: /^1 uploads with 0\.000 GB are here/ })
  for (let n = 2; n <= 64; n++) await uploads.admit(id(n), 1)
  await assert.rejects(uploads.admit(id(65), 1), { code: 'no_room' })
  await uploads.remove(id(64))
  await uploads.admit(id(65), 1)
  const full = await started(t, { freeBytes: 0 })
  await assert.rejects(full.uploads.admit(id(1), 1), { code: 'no_room', message: /^the disk of this node has no room/ })
  assert.deepEqual(full.uploads.ids(), [])
  await assert.rejects((await started(t, { bytesMax: 0 })).uploads.admit(id(1), 1), { code: 'uploads_off' })
})

test('a new process goes on with the uploads of an earlier one', async (t) => {
  const { uploads, upload } = await started(t)
  await upload(1, '01234', { filename: 'a.mp4' }, 900)
  const again = (await started(t, { dir: uploads.dir })).uploads
  assert.partialDeepStrictEqual(await again.facts(id(1)), { bytes: 900, offset: 5, name: 'a.mp4' })
  await assert.rejects(again.admit(id(2), 101), { code: 'no_room' })
})

test('a file is verified once it is whole, and has the name that its client gave, where a file may have it', async (t) => {
  const { uploads, upload } = await started(t)
  const sha256 = createHash('sha256').update('film').digest('hex')
  await upload(1, 'film', { filename: 'Ein Film: 1.mp4', sha256: sha256.toUpperCase() })
  const path = await uploads.finish(id(1), signal)
  assert.deepEqual([path, await readFile(path, 'utf8')], [join(uploads.folderOf(id(1)), 'Ein Film: 1.mp4'), 'film'])
  assert.equal(await uploads.finish(id(1), signal), path, 'asked again')
  for (const [n, filename] of ['../../etc/x', '..', '.hidden', 'a\0\nb/', 'C:\\x\\film.avi', '\ud800'].entries()) {
    await upload(n + 2, 'x', { filename })
    assert.match(await uploads.finish(id(n + 2), signal), /\/films\/0+\w\/(?:x|upload|hidden|ab|film\.avi|\ufffd)$/)
  }
  await upload(9, 'film', {}, 5)
  await assert.rejects(uploads.finish(id(9), signal), { code: 'upload_open', message: /^4 of 5 bytes/ })
  for (const [n, wanted] of ['a'.repeat(64), 'none'].entries()) {
    await upload(n + 10, 'film', { sha256: wanted })
    await assert.rejects(uploads.finish(id(n + 10), signal), { code: 'wrong_sha256' })
    await assert.rejects(uploads.facts(id(n + 10)), { code: 'unknown_upload' })
  }
})

test('an upload is removed a day after its last byte, or once no video needs its file', async (t) => {
  const { uploads, upload } = await started(t)
  const videos: Record<string, Partial<Video> | null> = {
    open: { status: 'RUNNING' },
    done: { status: 'COMPLETED', deliveries: [] },
    undelivered: { status: 'COMPLETED', deliveries: [{ done_at: null } as Video['deliveries'][0]] },
  }
  const names = Object.keys(videos)
  for (const n of names.keys()) await upload(n, 'x', { filename: 'x.mp4' })
  const paths = await Promise.all(names.map((_, n) => uploads.finish(id(n), signal)))
  await upload(8, 'x', {}, 2)
  let now = Date.now()
  const options = {
    uploads,
    store: {
      videos: async () => names as VideoId[],
      reference: async (video: string) => ({ path: paths[names.indexOf(video)]! }),
    },
    ledger: { now: async () => now, video: async (video: string) => videos[video] ?? null },
    clock: { now: () => now },
  } as unknown as TidyUploadsOptions
  await tidyUploads(options)
  assert.deepEqual(uploads.ids(), [id(0), id(2), id(8)])
  now += UPLOAD_IDLE_MS + 60_000
  await tidyUploads(options)
  assert.deepEqual(uploads.ids(), [id(0), id(2)])
  assert.deepEqual((await readdir(join(uploads.dir, 'films'))).sort(), [id(0), id(2)])
})

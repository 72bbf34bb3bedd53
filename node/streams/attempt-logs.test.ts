/** Logs of failed attempts: read here, from the peer that failed, and in which words there is none. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBlobExchange } from '../../blobs/blob-exchange.ts'
import { createBlobStore } from '../../blobs/blob-store.ts'
import { createWholeBlobs } from '../../blobs/read-whole.ts'
import { asPeerId, type PeerId, type Sha256, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { createMemoryHub } from '../../testing/memory-mesh/memory-mesh.ts'
import { folder } from '../../testing/tools/folder.ts'
import { systemClock as clock, systemRng as rng } from '../host/system-clock.ts'
import { createAttemptLogs } from './attempt-logs.ts'

const ID = '0123456789abcdef' as VideoId
const [A, B] = ['A', 'B'].map((letter) => asPeerId(`12D3KooW${letter.repeat(44)}`)) as [PeerId, PeerId]

test('a log is read in the own store, or from the peer that failed, and is missed in a sentence', async (t) => {
  const hub = createMemoryHub({ clock, rng })
  const peers = await Promise.all(
    [A, B].map(async (id) => {
      const mesh = hub.join(id, { knows: [A, B] })
      const store = await createBlobStore({ dir: await folder(t), log: silentLog, isDurable: false })
      createBlobExchange({ mesh, store, clock, rng, log: silentLog })
      return { id, mesh, store }
    }),
  )
  const [a, b] = peers as [(typeof peers)[0], (typeof peers)[0]]
  const connected = new Promise<void>((resolve) => void a.mesh.listen({ onConnected: () => resolve() }))
  for (const { mesh } of peers) await mesh.start()
  const hold = setInterval(() => {}, 1_000)
  await connected
  clearInterval(hold)
  const path = join(await b.store.scratch('made'), 'log')
  await writeFile(path, 'ffmpeg said no\n')
  const { sha256 } = await b.store.put(ID, path)
  const tasks = [{ failures: [{ log: null }, { log: sha256, worker_id: B }, { log: 'f'.repeat(64), worker_id: B }] }]
  const ledger = {
    video: async (id: VideoId) => (id === ID ? {} : null),
    tasks: async () => tasks,
  } as unknown as Ledger
  const logsOf = ({ id: self, mesh, store }: typeof a) =>
    createAttemptLogs({ self, ledger, store, blobs: createWholeBlobs({ mesh, clock }) })
  const read = async (of: typeof a, name: string, id = ID) =>
    Buffer.from(await logsOf(of).read(id, name, new AbortController().signal)).toString()
  assert.deepEqual([await read(a, sha256), await read(b, sha256)], ['ffmpeg said no\n', 'ffmpeg said no\n'])
  await assert.rejects(read(a, 'f'.repeat(64)), { code: 'unknown_file', message: /^nobody has this log any more/ })
  await assert.rejects(read(a, 'e'.repeat(64)), { code: 'unknown_file', message: /^no failed attempt/ })
  await assert.rejects(read(a, sha256, 'f'.repeat(16) as VideoId), { code: 'unknown_video' })
  const whole = createWholeBlobs({ mesh: a.mesh, clock })
  const want = { sha256, video: ID, holder: B, signal: new AbortController().signal }
  await assert.rejects(whole.read({ ...want, bytesMax: 3 }), { code: 'input_missing' })
  await b.mesh.stop()
  await assert.rejects(read(a, sha256 as Sha256), { code: 'bytes_away', message: /does not answer now/ })
  await a.mesh.stop()
})

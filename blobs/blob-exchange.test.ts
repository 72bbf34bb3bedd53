/** Blobs between peers over the in-memory mesh, and what happens when they lie, break off, change or fill the disk. */
import assert from 'node:assert/strict'
import {
  type FileHandle,
  link,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { identityAt } from '../files/file-hashes.ts'
import { systemClock as clock, systemRng as rng } from '../node/host/system-clock.ts'
import type { BlobExchange, BlobRef } from '../protocol/blobs.ts'
import { sha256Of, videoNumber } from '../protocol/conformance/blobs.ts'
import { AttemptFailed, BlobMissing, SourceChanged } from '../protocol/errors.ts'
import { asPeerId, type PeerId, type Sha256, type VideoId } from '../protocol/ids.ts'
import { BLOB_FETCHES_AT_ONCE, HEADER_BYTES_MAX } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import type { Mesh, MeshStream } from '../protocol/mesh.ts'
import { createMemoryHub, type MemoryHub } from '../testing/memory-mesh/memory-mesh.ts'
import { createBlobExchange } from './blob-exchange.ts'
import { createBlobStore, type DiskBlobStore } from './blob-store.ts'

const MiB = 1024 * 1024
const video = videoNumber(1)
const ids = ['A', 'B', 'C'].map((letter) => asPeerId(`12D3KooW${letter.repeat(44)}`)) as [PeerId, PeerId, PeerId]
const noise = (bytes: number, seed: number) => Buffer.alloc(bytes).map((_, at) => (at * 31 + (at >> 8) * seed) & 255)

interface Peer {
  readonly mesh: Mesh
  readonly store: DiskBlobStore
  readonly exchange: BlobExchange
}

/** One bit of it is no longer what it was. */
async function corrupt({ store }: Peer, sha256: Sha256): Promise<void> {
  const path = (await store.find(sha256, video)) ?? ''
  const content = await readFile(path)
  content[content.length >> 1]! ^= 1
  await writeFile(path, content)
}

describe('the blob exchange', () => {
  let root: string
  let hub: MemoryHub
  let [a, b, c]: Peer[] = []

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelmesh-blobs-'))
  })
  after(() => rm(root, { recursive: true }))
  afterEach(async () => {
    for (const { mesh } of [a, b, c] as Peer[]) await mesh.stop()
  })

  /** Three connected peers; `wrap` puts faults between a mesh and its exchange. */
  const start = async (wrap: (mesh: Mesh, at: number) => Mesh = (mesh) => mesh): Promise<[Peer, Peer, Peer]> => {
    hub = createMemoryHub({ clock, rng })
    const peers: Peer[] = []
    for (const [at, id] of ids.entries()) {
      const mesh = wrap(hub.join(id, { knows: ids }), at)
      const store = await createBlobStore({ dir: await mkdtemp(join(root, 'peer-')), log: silentLog, isDurable: false })
      peers.push({ mesh, store, exchange: createBlobExchange({ mesh, store, clock, rng, log: silentLog }) })
    }
    const all = Promise.all(
      peers.map(
        ({ mesh }) =>
          new Promise<void>((resolve) => mesh.listen({ onConnected: () => mesh.peers().length === 2 && resolve() })),
      ),
    )
    for (const { mesh } of peers) await mesh.start()
    const hold = setInterval(() => {}, 1_000)
    await all
    clearInterval(hold)
    ;[a, b, c] = peers
    return peers as [Peer, Peer, Peer]
  }
  const give = async ({ store }: Peer, content: Uint8Array): Promise<BlobRef> => {
    const path = join(await store.scratch('made'), 'file')
    await writeFile(path, content)
    return store.put(video, path)
  }
  const get = ({ exchange }: Peer, ref: BlobRef, holders: readonly PeerId[] = [], of: VideoId = video) =>
    exchange.fetch({ ...ref, video: of, holders, signal: AbortSignal.timeout(10_000) })
  const partials = async ({ store }: Peer) => {
    const folder = join(await store.scratch('look'), '..', '..', 'fetching')
    return Promise.all(
      (await readdir(folder)).map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })),
    )
  }

  it('fetches a complete blob, and sends no request the second time', async () => {
    const [a, b] = await start()
    const content = noise(3 * MiB + 17, 7)
    const ref = await give(b, content)
    const path = await get(a, ref, [b.mesh.self])
    assert.deepEqual(await readFile(path), content)
    assert.equal(await a.store.find(ref.sha256, video), path)
    await b.mesh.stop()
    assert.equal(await get(a, ref), path)
  })

  it('asks connected peers when no holder is named or the named ones are gone', async () => {
    const [a, , c] = await start()
    const ref = await give(c, noise(1000, 1))
    await get(a, ref, [asPeerId(`12D3KooW${'Z'.repeat(44)}`)])
    const empty = await give(c, new Uint8Array())
    assert.equal((await stat(await get(a, empty))).size, 0)
  })

  it('rejects with BlobMissing where no peer has it', async () => {
    const [a, b] = await start()
    await assert.rejects(get(a, { sha256: sha256Of('never made'), bytes: 10 }, [b.mesh.self]), BlobMissing)
    assert.deepEqual(await partials(a), [])
  })

  it('refuses a corrupted blob, fetches it elsewhere, and does not ask the bad sender again', async () => {
    let asked = 0
    const [a, b, c] = await start((mesh, at) => (at === 0 ? onOpen(mesh, (peer) => peer === ids[1] && asked++) : mesh))
    const content = noise(2 * MiB, 3)
    const ref = await give(b, content)
    const path = (await b.store.find(ref.sha256, video)) ?? ''
    const corrupted = Buffer.from(content)
    corrupted[MiB + 5] = (corrupted[MiB + 5] ?? 0) ^ 1
    await writeFile(path, corrupted)
    await assert.rejects(get(a, ref, [b.mesh.self]), BlobMissing)
    assert.equal(await a.store.find(ref.sha256, video), null)
    const before = asked
    await give(c, content)
    assert.deepEqual(await readFile(await get(a, ref, [b.mesh.self])), content)
    assert.equal(asked, before)
  })

  it('replaces a corrupt blob of this machine by a fetched one, and only where it is about to be read', async () => {
    const [a, b] = await start()
    const content = noise(100_000, 5)
    const ref = await give(a, content)
    await give(b, content)
    await corrupt(a, ref.sha256)
    const want = { ...ref, video, holders: [b.mesh.self], signal: new AbortController().signal }
    assert.notDeepEqual(await readFile(await a.exchange.fetch(want)), content, 'nobody looked')
    assert.deepEqual(await readFile(await a.exchange.fetch({ ...want, isRead: true })), content)
  })

  it('reports the blob as missing where the only copy is a corrupt one here', async () => {
    const [a, b] = await start()
    const ref = await give(a, noise(100_000, 6))
    await corrupt(a, ref.sha256)
    const want = { ...ref, video, holders: [b.mesh.self], signal: new AbortController().signal, isRead: true }
    await assert.rejects(a.exchange.fetch(want), BlobMissing)
    assert.equal(await a.store.find(ref.sha256, video), null)
  })

  it('counts a blob that lost its end as missing, here and elsewhere, however much of it was taken', async () => {
    const [a, b] = await start()
    const ref = await give(b, noise(8 * MiB, 9))
    const path = (await b.store.find(ref.sha256, video)) ?? ''
    await truncate(path, ref.bytes - 4096)
    await assert.rejects(get(a, ref, [b.mesh.self]), BlobMissing)
    const ask = { ...ref, video, peers: [b.mesh.self], signal: AbortSignal.timeout(5_000) }
    assert.deepEqual(await a.exchange.whoHas(ask), { has: [], lacks: [b.mesh.self] })
    await assert.rejects(get(b, ref, [a.mesh.self]), BlobMissing)
    assert.equal(await b.store.find(ref.sha256, video), null)
  })

  it('a peer whose disk cannot read a blob is no longer its holder', async (t) => {
    const [a, b] = await start()
    const ref = await give(b, noise(8 * MiB, 11))
    const probe = await open((await b.store.find(ref.sha256, video)) ?? '', 'r')
    await probe.close()
    const files = Object.getPrototypeOf(probe) as FileHandle
    const error = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    const broken = t.mock.method(files, 'read', async () => Promise.reject(error))
    await assert.rejects(get(a, ref, [b.mesh.self]), BlobMissing)
    const ask = { ...ref, video, peers: [b.mesh.self], signal: AbortSignal.timeout(5_000) }
    while ((await a.exchange.whoHas(ask)).has.length > 0) await new Promise((resolve) => setImmediate(resolve))
    broken.mock.restore()
    assert.equal(await b.store.find(ref.sha256, video), null)
  })

  it('a peer that sent a corrupt blob is asked to check it, is no longer its holder, and is asked again when it was made again', async () => {
    const [a, b] = await start()
    const content = noise(100_000, 7)
    const ref = await give(b, content)
    await corrupt(b, ref.sha256)
    await assert.rejects(get(a, ref, [b.mesh.self]), BlobMissing)
    const ask = { ...ref, video, peers: [b.mesh.self], signal: new AbortController().signal }
    while ((await a.exchange.whoHas(ask)).has.length > 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await b.store.find(ref.sha256, video), null)
    await give(b, content)
    assert.deepEqual(await readFile(await get(a, ref, [b.mesh.self])), content)
  })

  it('refuses bytes of another size under the name', async () => {
    const [a, b] = await start()
    const ref = await give(b, noise(1000, 1))
    await assert.rejects(get(a, { ...ref, bytes: 999 }), BlobMissing)
    await writeFile((await b.store.find(ref.sha256, video)) ?? '', noise(2000, 1))
    await assert.rejects(get(a, ref), BlobMissing)
  })

  it('continues with another holder where the first one was interrupted', async () => {
    let sent = 0
    const [a, b, c] = await start((mesh, at) => {
      if (at === 1) return onStream(mesh, (stream) => cutAfter(stream, 5 * MiB))
      return at === 2
        ? onStream(mesh, (stream) => ({
            ...stream,
            sink: (source) => stream.sink(counted(source, (bytes) => (sent += bytes))),
          }))
        : mesh
    })
    const content = noise(8 * MiB, 5)
    const ref = await give(b, content)
    await give(c, content)
    hub.faults.latencyMs = () => 0
    // b first: c is not a holder until b broke off.
    const path = await get(a, ref, [b.mesh.self])
    assert.deepEqual(await readFile(path), content)
    // Up to 1 MiB that was on its way when the first one broke off is sent again.
    assert.ok(sent > 0 && sent < 4.5 * MiB, `the second sender sent ${sent} bytes`)
  })

  it('keeps the received bytes when all transfers break, and continues from there later', async () => {
    let isBroken = true
    const [a, b] = await start((mesh, at) =>
      at === 1
        ? onStream(mesh, (stream) => (isBroken ? cutAfter(stream, 4 * MiB, () => hub.kill(ids[1])) : stream))
        : mesh,
    )
    const content = noise(9 * MiB, 11)
    const ref = await give(b, content)
    await assert.rejects(get(a, ref, [b.mesh.self]), BlobMissing)
    const [part] = await partials(a)
    assert.ok(part && part.bytes >= 2 * MiB && part.bytes < ref.bytes, JSON.stringify(part))
    assert.equal(part.name, ref.sha256)
    isBroken = false
    await give(c as Peer, content)
    await get(a, ref, [ids[2]])
    assert.deepEqual(await partials(a), [])
    assert.equal(await a.store.verify(ref.sha256, video), true)
  })

  it('blames no sender for a file of several, and gets it right from one', async () => {
    let cuts = 0
    const [a, b, c] = await start((mesh, at) =>
      at === 1 ? onStream(mesh, (stream) => (cuts++ < 1 ? cutAfter(stream, 2 * MiB) : stream)) : mesh,
    )
    const content = noise(4 * MiB, 13)
    const ref = await give(b, content)
    await give(c, content)
    const corrupted = Buffer.from(content)
    corrupted[4 * MiB - 1] = (corrupted[4 * MiB - 1] ?? 0) ^ 1
    await writeFile((await c.store.find(ref.sha256, video)) ?? '', corrupted)
    assert.deepEqual(await readFile(await get(a, ref, [b.mesh.self])), content)
  })

  it('lets callers that want the same blob share one transfer, each with its own signal and video', async () => {
    let opened = 0
    const [a, b] = await start((mesh, at) => (at === 0 ? onOpen(mesh, () => opened++) : mesh))
    const ref = await give(b, noise(2 * MiB, 17))
    const brief = new AbortController()
    const leaving = a.exchange.fetch({ ...ref, video, holders: [ids[1]], signal: brief.signal })
    const staying = [get(a, ref, [ids[1]]), get(a, ref, [ids[1]], videoNumber(2))]
    brief.abort(new Error('no time'))
    await assert.rejects(leaving, /no time/)
    const [one, two] = await Promise.all(staying)
    assert.ok(one?.includes(video) && two?.includes(videoNumber(2)))
    assert.equal(opened, 1)
  })

  it('ends the transfer when no caller waits any more, and can be called again at once', async () => {
    const [a, b] = await start()
    const ref = await give(b, noise(6 * MiB, 19))
    const caller = new AbortController()
    const fetching = a.exchange.fetch({ ...ref, video, holders: [ids[1]], signal: caller.signal })
    await clock.sleep(5)
    caller.abort(new Error('changed my mind'))
    await assert.rejects(fetching, /changed my mind/)
    await get(a, ref, [ids[1]])
    assert.equal(await a.store.verify(ref.sha256, video), true)
  })

  it('runs only so many transfers at once', async () => {
    let now = 0
    let most = 0
    const [a, b] = await start((mesh, at) =>
      at === 1
        ? onStream(mesh, (stream) => ({
            ...stream,
            sink: async (source) => {
              most = Math.max(most, ++now)
              await clock.sleep(20)
              await stream.sink(source)
              now--
            },
          }))
        : mesh,
    )
    const refs = []
    for (let at = 0; at < 12; at++) refs.push(await give(b, noise(50_000, 100 + at)))
    await Promise.all(refs.map((ref) => get(a, ref, [ids[1]])))
    assert.ok(most > 1 && most <= BLOB_FETCHES_AT_ONCE, `${most} at once`)
  })

  it('locates a blob by asking peers for its header only', async () => {
    const [a, b, c] = await start()
    const ref = await give(b, noise(MiB, 23))
    const want = { ...ref, video, signal: AbortSignal.timeout(5_000) }
    assert.deepEqual(await a.exchange.whoHas({ ...want, peers: [] }), { has: [ids[1]], lacks: [ids[2]] })
    assert.deepEqual(await a.exchange.whoHas({ ...want, peers: [ids[2], ids[0]] }), { has: [], lacks: [ids[2]] })
    await c.mesh.stop()
    const heard = { has: [ids[1]], lacks: [] }
    assert.deepEqual(await a.exchange.whoHas({ ...want, peers: ids }), heard, 'who does not answer does not say no')
  })

  /** A source that this peer holds by reference. */
  const refer = async ({ store }: Peer, content: Uint8Array): Promise<BlobRef & { path: string }> => {
    const path = join(await store.scratch('home'), 'film.mp4')
    await writeFile(path, content)
    const ref = { sha256: sha256Of(content), bytes: content.byteLength }
    await store.refer(video, { ...ref, path, identity: (await identityAt(path))! })
    return { ...ref, path }
  }
  const isChanged = (error: unknown) =>
    error instanceof SourceChanged && error.message === 'film.mp4 was changed while it was encoded; submit it again'

  it('serves a source by reference until the file changes', async () => {
    const [a, b] = await start()
    const content = noise(100_000, 29)
    const { path, ...ref } = await refer(b, content)
    assert.deepEqual(await readFile(await get(a, ref, [ids[1]])), content)
    await writeFile(path, noise(100_001, 31))
    assert.deepEqual(await a.exchange.whoHas({ ...ref, video, peers: [ids[1]], signal: AbortSignal.timeout(5_000) }), {
      has: [],
      lacks: [ids[1]],
    })
  })

  it('names a source that was changed where nobody has a copy: to its own peer, and to others where it is a named holder', async () => {
    const [a, b, c] = await start()
    const content = noise(100_000, 33)
    const { path, ...ref } = await refer(b, content)
    await writeFile(path, noise(100_000, 34))
    await assert.rejects(get(b, ref, [ids[1]]), isChanged)
    await assert.rejects(get(a, ref, [ids[1]]), isChanged)
    await assert.rejects(get(a, ref, [ids[2]]), BlobMissing)
    await give(c, content)
    assert.deepEqual(await readFile(await get(b, ref, [ids[1], ids[2]])), content)
  })

  it('serves a source that got another link, and notices bytes that changed under the same identity once they were sent', async () => {
    const [a, b] = await start()
    const content = noise(100_000, 35)
    const { path, ...ref } = await refer(b, content)
    await link(path, `${path}.link`)
    assert.deepEqual(await readFile(await get(a, ref, [ids[1]])), content)
    const damaged = noise(100_000, 36)
    await writeFile(path, damaged)
    const claimed = { sha256: sha256Of(noise(100_000, 37)), bytes: 100_000 }
    await b.store.refer(video, { ...claimed, path, identity: (await identityAt(path))! })
    await assert.rejects(get(a, claimed, [ids[1]]), BlobMissing)
    await assert.rejects(get(a, claimed, [ids[1]]), isChanged)
    assert.deepEqual(await readFile(path), damaged)
  })

  it('answers nothing but blobs: no paths, no nonsense, no endless header', async () => {
    const [a, b] = await start()
    await give(b, noise(10, 1))
    const long = `{"v":1,"sha256":"${'a'.repeat(2 * HEADER_BYTES_MAX)}`
    const requests = [
      '{"v":1,"sha256":"../../../../etc/passwd","video":"0000000000000001","offset":0,"length":null}\n',
      `{"v":1,"sha256":"${sha256Of('x')}","video":"../../..","offset":0,"length":null}\n`,
      `{"v":1,"sha256":"${sha256Of('x')}","video":"0000000000000001","offset":-1,"length":null}\n`,
      'GET / HTTP/1.1\r\n\r\n',
      '\n',
      'null\n',
      long,
      '',
    ]
    for (const request of requests) {
      const stream = await a.mesh.open(ids[1], 'blob', AbortSignal.timeout(5_000))
      let answer = ''
      const reading = (async () => {
        for await (const piece of stream.source) answer += new TextDecoder().decode(piece)
      })()
      await Promise.allSettled([stream.sink([new TextEncoder().encode(request)]), reading])
      assert.equal(answer, '', request.slice(0, 60))
    }
  })

  it('fails with disk_full when there is no room, and frees what it had begun', async () => {
    const [a, b] = await start()
    const ref = await give(b, noise(MiB, 37))
    const room = a.store.room.bind(a.store)
    a.store.room = async () => ({ freeBytes: 1_000, totalBytes: MiB })
    await assert.rejects(get(a, ref, [ids[1]]), (error) => error instanceof AttemptFailed && error.code === 'disk_full')
    assert.deepEqual(await partials(a), [])
    a.store.room = room
    await get(a, ref, [ids[1]])
  })
})

/** A mesh of which each inbound stream is changed on its way to the handler. */
function onStream(mesh: Mesh, change: (stream: MeshStream) => MeshStream): Mesh {
  const handle = mesh.handle.bind(mesh)
  mesh.handle = (protocol, handler) => handle(protocol, (stream) => handler(change(stream)))
  return mesh
}

function onOpen(mesh: Mesh, note: (peer: PeerId) => unknown): Mesh {
  const open = mesh.open.bind(mesh)
  mesh.open = (peer, protocol, signal) => {
    note(peer)
    return open(peer, protocol, signal)
  }
  return mesh
}

function cutAfter(stream: MeshStream, bytes: number, act: () => void = () => {}): MeshStream {
  let left = bytes
  return {
    ...stream,
    sink: (source) =>
      stream.sink(
        counted(source, (piece) => {
          left -= piece
          if (left >= 0) return
          act()
          throw new Error('cut')
        }),
      ),
  }
}

async function* counted(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, add: (bytes: number) => unknown) {
  for await (const piece of source) {
    add(piece.byteLength)
    yield piece
  }
}

/**
 * Peers that mean harm, against a node in a process of its own: strangers on the port, and members that hold the swarm key.
 * After each attack an honest peer still gets a blob from that node, and the node's memory has not followed the attack.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { createBlobExchange } from '../../blobs/blob-exchange.ts'
import { createBlobStore } from '../../blobs/blob-store.ts'
import { createLibp2pMesh } from '../../mesh/libp2p-mesh.ts'
import { createClientNode } from '../../mesh/libp2p-node.ts'
import { systemClock as clock, systemRng as rng } from '../../node/host/system-clock.ts'
import { videoNumber } from '../../protocol/conformance/blobs.ts'
import { watch } from '../../protocol/conformance/mesh.ts'
import { asPeerId, asSha256 } from '../../protocol/ids.ts'
import { STREAMS_PER_PEER } from '../../protocol/limits.ts'
import { silentLog as log } from '../../protocol/log.ts'
import type { Mesh } from '../../protocol/mesh.ts'
import { type BlobProcess, startBlobProcess } from '../../testing/hostile/blob-process.ts'
import { message, rpc, signatureOf } from './gossip-wire.ts'

const MiB = 1024 * 1024
/** Garbage collection lags behind on a busy machine; what follows an attack grows far beyond this. */
const GROWTH_MAX_BYTES = 128 * MiB
const soon = () => AbortSignal.timeout(2_000)
const YAMUX = { data: 0, windowUpdate: 1, syn: 1 }

describe('a node among hostile peers', { timeout: 110_000 }, () => {
  let root: string
  let victim: BlobProcess
  let honest: Mesh
  let fetch: () => Promise<void>
  const attackers: Libp2p[] = []

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelmesh-hostile-'))
    victim = await startBlobProcess({ dataDir: join(root, 'victim') })
    const { sha256, bytes } = await victim.ask({ do: 'make', bytes: MiB, video: videoNumber(1) })
    const ref = { sha256: asSha256(String(sha256)), bytes: Number(bytes) }
    const dataDir = join(root, 'honest')
    honest = await createLibp2pMesh({
      dataDir,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      join: victim.addresses,
      mdns: false,
      clock,
      rng,
      log,
    })
    const store = await createBlobStore({ dir: join(dataDir, 'store'), log, isDurable: false })
    const exchange = createBlobExchange({ mesh: honest, store, clock, rng, log })
    const seen = watch(honest, clock)
    await honest.start()
    await seen.connected(asPeerId(victim.self))
    fetch = async () => {
      await store.drop(videoNumber(1))
      await exchange.fetch({
        ...ref,
        video: videoNumber(1),
        holders: [asPeerId(victim.self)],
        signal: AbortSignal.timeout(8_000),
      })
      assert.deepEqual(honest.peers(), [victim.self])
    }
  })
  after(async () => {
    await Promise.all([honest, ...attackers].map((each) => each?.stop()))
    victim?.child.kill('SIGKILL')
    await rm(root, { recursive: true })
  })

  const port = () => Number(/tcp\/(\d+)/.exec(victim.addresses[0] ?? '')?.[1])
  const knock = () =>
    new Promise<Socket>((resolve) => {
      const socket = connect(port(), '127.0.0.1', () => resolve(socket))
      socket.on('error', () => {})
    })
  /** A member of the mesh's network that speaks libp2p and does with it what it likes. */
  const member = async (): Promise<Connection> => {
    const node = await createClientNode(undefined)
    attackers.push(node)
    await node.start()
    return node.dial(multiaddr(victim.addresses[0] ?? ''))
  }
  /** Bytes on the encrypted connection, past yamux: what a peer with its own implementation could send. */
  const raw = (connection: Connection, bytes: Uint8Array) =>
    (connection as unknown as { muxer: { send(bytes: Uint8Array): boolean } }).muxer.send(bytes)
  const rss = async () => {
    const status = await readFile(`/proc/${victim.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
  }
  const closed = async (connection: Connection) => {
    for (let tries = 0; connection.status === 'open' && tries < 200; tries++) await clock.sleep(20)
    return connection.status !== 'open'
  }

  it('strangers send garbage, an HTTP request, a 4 GB length, or nothing at all', async () => {
    const before = await rss()
    const fourGigabytes = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])
    const openings = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      fourGigabytes,
      crypto.getRandomValues(Buffer.alloc(64 * 1024)),
      Buffer.alloc(0),
    ]
    const sockets = await Promise.all(Array.from({ length: 200 }, knock))
    for (const [at, socket] of sockets.entries()) socket.write(openings[at % openings.length] ?? '')
    const flood = Buffer.alloc(MiB, 0xff)
    for (let at = 0; at < 256; at++) sockets[1]?.write(flood)
    await fetch()
    for (const socket of sockets) socket.destroy()
    await fetch()
    assert.ok((await rss()) - before < GROWTH_MAX_BYTES, `grew by ${(await rss()) - before} bytes`)
  })

  it('a member announces a yamux frame of 4 GB and begins to send it', async () => {
    const connection = await member()
    const before = await rss()
    raw(connection, frame(YAMUX.data, YAMUX.syn, 1001, 0xffffffff))
    for (let at = 0; at < 512 && connection.status === 'open'; at++) {
      raw(connection, new Uint8Array(MiB))
      await clock.sleep(5)
    }
    assert.ok(await closed(connection), 'the connection is still open')
    assert.ok((await rss()) - before < GROWTH_MAX_BYTES, `grew by ${(await rss()) - before} bytes`)
    await fetch()
  })

  it('a member opens 10,000 streams, and never says what for', async () => {
    const connection = await member()
    const before = await rss()
    for (let id = 0; id < 10_000; id++) raw(connection, frame(YAMUX.windowUpdate, YAMUX.syn, 2001 + 2 * id, 0))
    await fetch()
    assert.ok((await rss()) - before < GROWTH_MAX_BYTES, `grew by ${(await rss()) - before} bytes`)
    connection.abort(new Error('done'))
  })

  it('a member opens more blob streams than it may, and sends no request', async () => {
    const connection = await member()
    const streams: Stream[] = []
    for (let at = 0; at < 100; at++) {
      const opened = await connection
        .newStream('/reelmesh/blob/1', { signal: soon(), negotiateFully: true })
        .catch(() => null)
      if (opened) streams.push(opened)
    }
    await fetch()
    const open = streams.filter((stream) => stream.status === 'open')
    assert.ok(open.length <= STREAMS_PER_PEER, `${open.length} streams`)
    connection.abort(new Error('done'))
  })

  it('a member sends headers and messages without an end', async () => {
    const connection = await member()
    const before = await rss()
    for (const protocol of ['/reelmesh/blob/1', '/reelmesh/alive/1', '/meshsub/1.2.0']) {
      const stream = await connection.newStream(protocol, { signal: soon(), negotiateFully: true })
      stream.addEventListener('close', () => {})
      try {
        for (let at = 0; at < 200 && stream.status === 'open' && stream.writeBufferLength < 16 * MiB; at++) {
          stream.send(new Uint8Array(64 * 1024).fill(at === 0 ? 0xff : 0x7b))
          await clock.sleep(1)
        }
      } catch {
        // The victim ended it: as it should.
      }
    }
    await fetch()
    assert.ok((await rss()) - before < GROWTH_MAX_BYTES, `grew by ${(await rss()) - before} bytes`)
    connection.abort(new Error('done'))
  })

  it('a member gossips in the name of another, and replays what was once signed', async () => {
    const heard: string[] = []
    const off = honest.listen({ onGossip: ({ author }) => heard.push(author) })
    const connection = await member()
    const stream = await connection.newStream('/meshsub/1.2.0', { signal: soon(), negotiateFully: true })
    const key = await generateKeyPair('Ed25519')
    const author = peerIdFromPrivateKey(key)
    const unsigned = message({ from: author.toMultihash().bytes, data: '{"v":1,"epoch":999,"seq":999}' })
    const signature = await signatureOf(key, unsigned)
    // In another's name, with a signature that is made up, and with a good one of somebody else.
    for (const name of [victim.self, honest.self]) {
      const { bytes } = peerIdFromString(name).toMultihash()
      const forged = message({ from: bytes, data: '{"v":1,"epoch":999,"seq":999}' })
      stream.send(rpc(forged, crypto.getRandomValues(Buffer.alloc(64))))
      stream.send(rpc(forged, signature))
    }
    // The control: signed by its author it is passed on, once, however often it is sent.
    for (let times = 0; times < 3; times++) stream.send(rpc(unsigned, signature))
    for (let tries = 0; heard.length === 0 && tries < 100; tries++) await clock.sleep(20)
    await fetch()
    off()
    assert.deepEqual(heard, [author.toString()])
    connection.abort(new Error('done'))
  })

  it('is still the same process, well below its memory bound', async (t) => {
    await fetch()
    assert.equal(victim.child.exitCode, null)
    const peak = await victim.peakRssBytes()
    t.diagnostic(`peak RSS ${Math.round(peak / 1e6)} MB`)
    assert.ok(peak < 400e6)
  })
})

function frame(type: number, flags: number, stream: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt8(type, 1)
  bytes.writeUInt16BE(flags, 2)
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}

/**
 * Bulk lines between real nodes of a mesh with a key: a peer with the key gets a blob by a line, strangers without it get neither an offer nor a
 * session, and what they do on the port neither grows the giver nor keeps the peer from its blob.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { multiaddr } from '@multiformats/multiaddr'
import { createBlobExchange, type LinkedBlobExchange } from '../../blobs/blob-exchange.ts'
import { createBlobStore, type DiskBlobStore } from '../../blobs/blob-store.ts'
import { readLine } from '../../blobs/blob-wire.ts'
import { decodeOffer, LINE_TLS, type LineOffer } from '../../blobs/bulk/line-wire.ts'
import { hashFile } from '../../files/hash-file.ts'
import { createLibp2pMesh } from '../../mesh/libp2p-mesh.ts'
import { createClientNode } from '../../mesh/libp2p-node.ts'
import { generateSwarmKey } from '../../mesh/make-swarm-key.ts'
import { parseSwarmKey } from '../../mesh/swarm-key.ts'
import { systemClock as clock, systemRng as rng } from '../../node/host/system-clock.ts'
import type { BlobRef } from '../../protocol/blobs.ts'
import { videoNumber } from '../../protocol/conformance/blobs.ts'
import { watch } from '../../protocol/conformance/mesh.ts'
import { asPeerId, asSha256 } from '../../protocol/ids.ts'
import { silentLog as log } from '../../protocol/log.ts'
import type { Mesh } from '../../protocol/mesh.ts'
import { type BlobProcess, startBlobProcess } from '../../testing/hostile/blob-process.ts'

const MiB = 1024 * 1024
const GROWTH_MAX_BYTES = 128 * MiB
const video = videoNumber(1)

describe('bulk lines of a mesh with a key', { timeout: 60_000 }, () => {
  let root: string
  let giver: BlobProcess
  let honest: Mesh
  let store: DiskBlobStore
  let exchange: LinkedBlobExchange
  let ref: BlobRef
  const opened: string[] = []
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelmesh-lines-'))
    const swarmKey = generateSwarmKey()
    giver = await startBlobProcess({ dataDir: join(root, 'giver'), swarmKey, lines: true })
    const { sha256, bytes } = await giver.ask({ do: 'make', bytes: 8 * MiB, video })
    ref = { sha256: asSha256(String(sha256)), bytes: Number(bytes) }
    const dataDir = join(root, 'honest')
    const listen = ['/ip4/127.0.0.1/tcp/0']
    honest = await createLibp2pMesh({ dataDir, listen, join: giver.addresses, mdns: false, swarmKey, clock, rng, log })
    const open = honest.open.bind(honest)
    honest.open = (peer, protocol, signal) => {
      opened.push(protocol)
      return open(peer, protocol, signal)
    }
    store = await createBlobStore({ dir: join(dataDir, 'store'), log, isDurable: false })
    const lines = { hosts: ['127.0.0.1'], ports: [0] }
    exchange = createBlobExchange({ mesh: honest, store, clock, rng, log, lines })
    const seen = watch(honest, clock)
    await honest.start()
    await seen.connected(asPeerId(giver.self))
  })
  after(async () => {
    await Promise.all([honest?.stop(), exchange?.stop()])
    giver?.child.kill('SIGKILL')
    await rm(root, { recursive: true })
  })

  const fetchByLine = async () => {
    await store.drop(video)
    opened.length = 0
    const holders = [asPeerId(giver.self)]
    const path = await exchange.fetch({ ...ref, video, holders, signal: AbortSignal.timeout(10_000) })
    assert.equal((await hashFile(path)).sha256, ref.sha256)
    assert.deepEqual(opened, ['line'])
  }
  const offer = async (): Promise<LineOffer> => {
    const stream = await honest.open(asPeerId(giver.self), 'line', AbortSignal.timeout(2_000))
    return decodeOffer((await readLine(stream.source)).line) ?? assert.fail('no offer')
  }
  /** The code of the error; `session` where one was made. */
  const knock = (port: number, identity: string, psk: Buffer) =>
    new Promise<string>((resolve) => {
      const options = { ...LINE_TLS, host: '127.0.0.1', port, checkServerIdentity: () => undefined }
      const socket = connect({ ...options, pskCallback: () => ({ psk, identity }) })
      socket.once('secureConnect', () => resolve('session'))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      socket.once('close', () => resolve('closed'))
    })

  it('carry a blob between two processes', fetchByLine)

  it('are offered to nobody without the key, or with another', async () => {
    for (const key of [undefined, parseSwarmKey(generateSwarmKey())]) {
      const stranger = await createClientNode(key)
      await stranger.start()
      await assert.rejects(stranger.dial(multiaddr(giver.addresses[0] ?? ''), { signal: AbortSignal.timeout(3_000) }))
      await stranger.stop()
    }
  })

  it('give strangers no session, whatever they have seen on the network', async () => {
    const { port, id } = await offer()
    const keys = [Buffer.alloc(32), Buffer.from(id, 'hex'), await readFile(join(root, 'honest', 'peer.key'))]
    for (const key of keys) assert.match(await knock(port, id, key), /^ERR_SSL/)
    assert.match(await knock(port, '', Buffer.alloc(32)), /^ERR_SSL/)
    await fetchByLine()
  })

  it('neither grow nor end the giver when strangers flood the port with handshakes', async () => {
    const { port, id } = await offer()
    const rss = async () =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${giver.child.pid}/status`, 'utf8'))?.[1]) * 1024
    const before = await rss()
    for (let round = 0; round < 10; round++)
      await Promise.all(Array.from({ length: 50 }, () => knock(port, id, crypto.getRandomValues(Buffer.alloc(32)))))
    assert.ok((await rss()) - before < GROWTH_MAX_BYTES, `grew by ${(await rss()) - before} bytes`)
    await fetchByLine()
    assert.equal(giver.child.exitCode, null)
  })
})

/** A status asked between peers, and from outside by address, with and without the right key. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { systemClock as clock, systemRng as rng } from '../node/host/system-clock.ts'
import { watch } from '../protocol/conformance/mesh.ts'
import { PeerUnreachable, UsageError } from '../protocol/errors.ts'
import { STATUS_BYTES_MAX } from '../protocol/limits.ts'
import { silentLog as log } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import { loadIdentity } from './identity.ts'
import { createLibp2pMesh } from './libp2p-mesh.ts'
import { createClientNode } from './libp2p-node.ts'
import { generateSwarmKey } from './make-swarm-key.ts'
import { askAddress, createStatusExchange, type StatusExchange } from './status-exchange.ts'
import { meshStream } from './streams.ts'
import { parseSwarmKey } from './swarm-key.ts'

describe('a status', { timeout: 30_000 }, () => {
  const swarmKey = generateSwarmKey()
  const soon = () => AbortSignal.timeout(5_000)
  const members = new Set<string>()
  let root: string
  let a: Mesh
  let b: Mesh
  let status: StatusExchange
  let snapshot: () => Promise<object>

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelmesh-status-'))
    const make = async (name: string, known: readonly string[]) =>
      createLibp2pMesh({
        dataDir: join(root, name),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        join: known,
        swarmKey,
        mdns: false,
        clock,
        rng,
        log,
      })
    a = await make('a', [])
    createStatusExchange({ mesh: a, clock, admits: async (peer) => members.has(peer), snapshot: () => snapshot() })
    await a.start()
    b = await make('b', a.addresses())
    status = createStatusExchange({ mesh: b, clock, admits: async () => false, snapshot: async () => ({}) })
    members.add(b.self)
    const seen = watch(b, clock)
    await b.start()
    await seen.connected(a.self)
  })
  after(async () => {
    await Promise.all([a, b].map((mesh) => mesh.stop()))
    await rm(root, { recursive: true })
  })

  const address = () => a.addresses()[0] ?? ''

  it('is asked of a peer, small or large', async () => {
    for (const text of ['', 'x'.repeat(3_000_000)]) {
      snapshot = async () => ({ peers: 2, text })
      assert.deepEqual(await status.ask(a.self, soon()), { peers: 2, text })
    }
  })

  it('that is too large, or fails, is an unreachable peer', async () => {
    snapshot = async () => ({ text: 'x'.repeat(STATUS_BYTES_MAX) })
    await assert.rejects(status.ask(a.self, soon()), PeerUnreachable)
    snapshot = async () => {
      throw new Error('the ledger is away')
    }
    await assert.rejects(status.ask(a.self, soon()), PeerUnreachable)
  })

  it('is asked from outside by address as a member, and the asker never becomes a peer', async () => {
    snapshot = async () => ({ hello: 'world' })
    const seen = watch(a, clock)
    const dataDir = join(root, 'b')
    for (const at of [address(), address().split('/p2p/')[0] ?? '']) {
      assert.deepEqual(await askAddress({ address: at, dataDir, swarmKey, signal: soon() }), { hello: 'world' })
    }
    assert.deepEqual(a.peers(), [b.self])
    assert.deepEqual(seen.seen, [])
  })

  it('is refused to those who have the key alone: without an identity, and with one that is no member', async () => {
    snapshot = async () => ({ secret: 'names and folders' })
    await loadIdentity(join(root, 'stranger'), rng)
    for (const dataDir of [join(root, 'nobody'), join(root, 'stranger')]) {
      await assert.rejects(askAddress({ address: address(), dataDir, swarmKey, signal: soon() }), /members .* only/)
    }
    members.delete(b.self)
    await assert.rejects(status.ask(a.self, soon()), /does not know this one as a member/)
    members.add(b.self)
  })

  it('is refused to who repeats what a member once signed on another connection', async () => {
    const key = await loadIdentity(join(root, 'b'), rng)
    const text = new TextEncoder().encode(`reelmesh status asked by ${b.self} of ${a.self}`)
    const signature = Buffer.from(await key.sign(text)).toString('base64')
    const node = await createClientNode(parseSwarmKey(swarmKey))
    await node.start()
    const connection = await node.dial(multiaddr(address()))
    const stream = meshStream(await connection.newStream('/reelmesh/status/1', { signal: soon() }), a.self)
    await stream.sink([new TextEncoder().encode(JSON.stringify({ v: 1, peer: b.self, signature }))])
    const answer: Uint8Array[] = []
    for await (const piece of stream.source) answer.push(piece)
    assert.deepEqual(JSON.parse(Buffer.concat(answer).toString()), { v: 1, refused: 'no member' })
    await node.stop()
  })

  it('is refused without the key, with one sentence', async () => {
    for (const key of [{}, { swarmKey: generateSwarmKey() }]) {
      const asking = askAddress({ address: address(), dataDir: root, ...key, signal: AbortSignal.timeout(2_000) })
      await assert.rejects(
        asking,
        (error) => error instanceof PeerUnreachable && /key/.test(error.message) && !error.message.includes('\n'),
      )
    }
    await assert.rejects(
      askAddress({ address: '/ip4/127.0.0.1/tcp/9', dataDir: root, signal: soon() }),
      PeerUnreachable,
    )
    await assert.rejects(askAddress({ address: 'box:4001', dataDir: root, signal: soon() }), UsageError)
  })
})

/**
 * Floods of gossip from a peer that holds the mesh key, against a node with the rules of the product: what it takes in and passes on is bounded,
 * and an honest peer is heard meanwhile.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { createLibp2pMesh } from '../../mesh/libp2p-mesh.ts'
import { createClientNode } from '../../mesh/libp2p-node.ts'
import { systemClock as clock, systemRng as rng } from '../../node/host/system-clock.ts'
import { isWellFormed } from '../../node/peers/gossip-content.ts'
import { watch } from '../../protocol/conformance/mesh.ts'
import { encodeHeartbeat, type Heartbeat } from '../../protocol/heartbeat.ts'
import { encodeHint } from '../../protocol/hint.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import { GOSSIP_RATES } from '../../protocol/limits.ts'
import { silentLog as log } from '../../protocol/log.ts'
import type { GossipMessage, Mesh } from '../../protocol/mesh.ts'
import { message, rpc, signatureOf } from './gossip-wire.ts'

const HINT = encodeHint({ v: 1, what: 'tasks', video: null })
/** What flows in while a flood runs, on a busy machine. */
const FLOOD_S_MAX = 10

describe('a node that is flooded with gossip', { timeout: 110_000 }, () => {
  let root: string
  let victim: Mesh
  let honest: Mesh
  const members = new Set<PeerId>()
  const attackers: Libp2p[] = []
  const heard: GossipMessage[] = []
  const passedOn: GossipMessage[] = []
  let seqno = 1

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'reelmesh-flood-'))
    const gossip = { isMember: (peer: PeerId) => members.has(peer), isWellFormed }
    const make = (name: string, known: readonly string[]) =>
      createLibp2pMesh({
        dataDir: join(root, name),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        join: known,
        mdns: false,
        gossip,
        clock,
        rng,
        log,
      })
    victim = await make('victim', [])
    await victim.start()
    honest = await make('honest', victim.addresses())
    members.add(victim.self).add(honest.self)
    const seen = watch(honest, clock)
    await honest.start()
    await seen.connected(victim.self)
    victim.listen({ onGossip: (each) => heard.push(each) })
    honest.listen({ onGossip: (each) => passedOn.push(each) })
  })
  beforeEach(() => {
    heard.length = passedOn.length = 0
  })
  after(async () => {
    await Promise.all([victim, honest, ...attackers].map((each) => each?.stop()))
    await rm(root, { recursive: true })
  })

  const attack = async (): Promise<Stream> => {
    const node = await createClientNode(undefined)
    attackers.push(node)
    await node.start()
    const connection = await node.dial(multiaddr(victim.addresses()[0] ?? ''))
    return connection.newStream('/meshsub/1.2.0', { signal: AbortSignal.timeout(5_000), negotiateFully: true })
  }
  const signed = async (key: PrivateKey, data: string | Uint8Array, topic: 'heartbeat' | 'work' = 'work') => {
    const unsigned = message({ from: peerIdFromPrivateKey(key).toMultihash().bytes, data, seqno: seqno++, topic })
    return rpc(unsigned, await signatureOf(key, unsigned))
  }
  const send = async (stream: Stream, messages: readonly Uint8Array[]) => {
    for (const [at, each] of messages.entries()) {
      stream.send(each)
      if (at % 100 === 99) await clock.sleep(10)
    }
  }
  /** The honest peer is heard, which also shows that what came before has been handled. */
  const isHeard = async (): Promise<void> => {
    const text = encodeHint({ v: 1, what: 'lease', video: null })
    for (let tries = 0; tries < 100; tries++) {
      await honest.publish('work', text)
      await clock.sleep(50)
      if (heard.some(({ author }) => author === honest.self)) return
    }
    assert.fail('the honest peer is not heard any more')
  }

  it('hears a honest burst whole', async () => {
    for (let n = 0; n < GOSSIP_RATES.author.burst - 64; n++) await honest.publish('work', HINT)
    for (let tries = 0; heard.length < GOSSIP_RATES.author.burst - 64 && tries < 100; tries++) await clock.sleep(50)
    assert.equal(heard.length, GOSSIP_RATES.author.burst - 64)
  })

  it('takes few of 2,000 messages of one stranger, and passes on no more', async () => {
    const key = await generateKeyPair('Ed25519')
    const flood = await Promise.all(Array.from({ length: 2_000 }, () => signed(key, HINT)))
    await send(await attack(), flood)
    await isHeard()
    const { burst, perS } = GOSSIP_RATES.stranger
    const taken = heard.filter(({ author }) => author !== honest.self).length
    assert.ok(taken > 0 && taken <= burst + FLOOD_S_MAX * perS, `${taken} were taken`)
    assert.ok(passedOn.length <= taken)
  })

  it('hears few of 1,000 identities over one connection', async () => {
    const beat = (seq: number) => encodeHeartbeat({ ...BEAT, seq })
    const flood: Uint8Array[] = []
    for (let n = 0; n < 1_000; n++) flood.push(await signed(await generateKeyPair('Ed25519'), beat(n), 'heartbeat'))
    await send(await attack(), flood)
    await isHeard()
    const authors = new Set(heard.map(({ author }) => author).filter((author) => author !== honest.self))
    assert.ok(authors.size > 0 && authors.size <= GOSSIP_RATES.strangersPerMinute, `${authors.size} were heard`)
  })

  it('goes on to hear a peer in whose name others send what it did not sign', async () => {
    const { bytes } = peerIdFromString(honest.self).toMultihash()
    const forged = Array.from({ length: 1_000 }, () =>
      rpc(
        message({ from: bytes, data: HINT, seqno: seqno++, topic: 'work' }),
        crypto.getRandomValues(Buffer.alloc(64)),
      ),
    )
    await send(await attack(), forged)
    await isHeard()
    assert.ok(heard.every(({ author }) => author === honest.self))
  })

  it('neither hears nor passes on what does not decode, of a member either', async () => {
    const key = await generateKeyPair('Ed25519')
    const author = asPeerId(peerIdFromPrivateKey(key).toString())
    members.add(author)
    const stream = await attack()
    const newer = '{"v":2,"what":"news"}'
    await send(stream, [await signed(key, '{"v":1}'), await signed(key, 'no JSON'), await signed(key, newer)])
    await isHeard()
    const texts = (of: readonly GossipMessage[]) =>
      of.filter((each) => each.author === author).map(({ data }) => new TextDecoder().decode(data))
    for (let tries = 0; texts(passedOn).length === 0 && tries < 200; tries++) await clock.sleep(50)
    // What a newer version may say is passed on to those that know it.
    assert.deepEqual([texts(heard), texts(passedOn)], [[newer], [newer]])
    members.delete(author)
  })
})

const BEAT: Heartbeat = {
  v: 1,
  epoch: 1,
  seq: 1,
  started_at: 1,
  version: '1',
  roles: ['worker'],
  host: 'host',
  name: 'peer',
  ffmpeg: '',
  decoders: [],
  filters: [],
  encoders: [],
  renditions: 'all',
  kinds: [],
  slots: 1_000_000,
  busy: 0,
  load: 0,
  state: 'idle',
  addresses: [],
  running: [],
}

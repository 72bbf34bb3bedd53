/**
 * The bug this mesh must live with: two connections to one peer, the oldest closes, and libp2p-gossipsub delivers nothing in
 * either direction from then on, without an event. Reproduced with a bare libp2p node that dials twice and drops the first.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { systemClock as clock, systemRng as rng } from '../node/host/system-clock.ts'
import { watch } from '../protocol/conformance/mesh.ts'
import { asPeerId } from '../protocol/ids.ts'
import { silentLog as log } from '../protocol/log.ts'
import { ALIVE, createAlive } from './alive.ts'
import { createLibp2pMesh } from './libp2p-mesh.ts'
import { createMeshNode, topicName } from './libp2p-node.ts'
import { watchStalls } from './stall-watch.ts'

it('disconnects and redials when the connection that carried gossip closes beside another', {
  timeout: 30_000,
}, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'reelmesh-mute-'))
  const mesh = await createLibp2pMesh({
    dataDir,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    join: [],
    mdns: false,
    clock,
    rng,
    log,
  })
  const seen = watch(mesh, clock)
  await mesh.start()
  const bare = await bareNode(mesh.self)
  t.after(async () => {
    await Promise.all([bare.node.stop(), mesh.stop()])
    bare.stalls.stop()
    await rm(dataDir, { recursive: true })
  })
  const self = asPeerId(bare.node.peerId.toString())
  const heard: string[] = []
  bare.node.services.pubsub.addEventListener('message', ({ detail }) =>
    heard.push(new TextDecoder().decode(detail.data)),
  )
  const there = multiaddr(mesh.addresses()[0] ?? '')
  const oldest = await bare.node.dial(there)
  await seen.connected(self)
  mesh.learn(self, bare.node.getMultiaddrs().map(String))
  const newest = await bare.node.dial(there, { force: true })
  assert.notEqual(newest.id, oldest.id)
  oldest.abort(new Error('the oldest closes'))
  await seen.disconnected(self)
  await seen.connected(self, 8_000)
  const again = setInterval(() => {
    void mesh.publish('work', new TextEncoder().encode('to the bare one'))
    void bare.node.services.pubsub.publish(topicName('work'), new TextEncoder().encode('from the bare one'))
  }, 200)
  t.after(() => clearInterval(again))
  await seen.heard('from the bare one')
  await seen.until('gossip to the bare one', () => heard.includes('to the bare one'), 5_000)
})

/** A node with a smaller id than the mesh, so that the mesh leaves breaking ties to it; and it breaks none. */
async function bareNode(meshId: string) {
  for (;;) {
    const privateKey = await generateKeyPair('Ed25519')
    const node = await createMeshNode({
      privateKey,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      swarmKey: undefined,
      mdns: false,
    })
    if (node.peerId.toString() > meshId) continue
    const stalls = watchStalls(clock)
    const alive = createAlive({ clock, stalls, onFirstBeat: () => {}, onSilent: () => {} })
    node.addEventListener('connection:open', ({ detail }) => alive.watch(detail))
    await node.handle(ALIVE, alive.receive)
    await node.start()
    for (const topic of ['heartbeat', 'work', 'suspect'] as const) node.services.pubsub.subscribe(topicName(topic))
    return { node, stalls }
  }
}

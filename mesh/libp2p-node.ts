/**
 * The libp2p 3 node that Reelmesh runs, with the options that were measured (docs/architecture.md): full mesh nodes and
 * the light client that only asks for a status. Peers, redials and events are left to other files.
 */
import { type GossipSub, gossipsub, StrictSign } from '@chainsafe/libp2p-gossipsub'
import { identify } from '@libp2p/identify'
import type { PrivateKey } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { sentence, UsageError } from '../protocol/errors.ts'
import { CONNECTIONS_MAX, DIAL_TIMEOUT_MS, GOSSIP_BYTES_MAX } from '../protocol/limits.ts'
import { TOPICS, type Topic } from '../protocol/mesh.ts'
import { announced } from './addresses.ts'
import { guardedPnet } from './guarded-pnet.ts'
import { guardedYamux } from './guarded-yamux.ts'
import { swarmFingerprint } from './swarm-key.ts'

/** The name of a gossip topic on the wire. */
export const topicName = (topic: Topic) => `/reelmesh/${topic}/1`
/** The name of a stream protocol on the wire. */
export const protocolName = (protocol: string) => `/reelmesh/${protocol}/1`

/** The options of a full node. */
export interface NodeOptions {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly swarmKey: Uint8Array | undefined
  readonly mdns: boolean
}

/** A libp2p node with gossip. */
export type MeshNode = Libp2p<{ pubsub: GossipSub }>

/** A full node, not started. */
export function createMeshNode(options: NodeOptions): Promise<MeshNode> {
  return createLibp2p({
    ...common(options.swarmKey),
    privateKey: options.privateKey,
    addresses: {
      listen: [...options.listen],
      announce: [...options.announce],
      announceFilter: (addresses) => (options.announce.length > 0 ? addresses : announced(addresses)),
    },
    peerDiscovery: options.mdns
      ? [mdns({ serviceTag: `_reelmesh-${swarmFingerprint(options.swarmKey)}._udp.local` })]
      : [],
    services: { identify: identify(), pubsub: gossip() },
  }) as Promise<MeshNode>
}

/** A node that listens nowhere and gossips nothing, started: for one question. */
export async function createClientNode(swarmKey: Uint8Array | undefined): Promise<Libp2p> {
  return createLibp2p({ ...common(swarmKey), addresses: { listen: [] } })
}

function common(swarmKey: Uint8Array | undefined) {
  return {
    start: false,
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [guardedYamux()],
    connectionProtector: guardedPnet(swarmKey),
    // Liveness is ours (`alive.ts`): the monitor opens a stream per connection per second and at 32 peers starves itself.
    connectionMonitor: { enabled: false },
    connectionManager: {
      // Full nodes stop dialling at CONNECTIONS_MAX; more may come in, so that a new peer can connect.
      maxConnections: 4 * CONNECTIONS_MAX,
      maxParallelDials: 16,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: 2_000,
      inboundUpgradeTimeout: DIAL_TIMEOUT_MS,
      // The defaults (5 a second, 10 pending) are per address and reached at once by a mesh on one machine.
      inboundConnectionThreshold: 1_000,
      maxIncomingPendingConnections: 1_000,
      reconnectRetries: 0,
    },
  } satisfies Libp2pOptions
}

function gossip() {
  return gossipsub({
    globalSignaturePolicy: StrictSign,
    floodPublish: false,
    allowPublishToZeroTopicPeers: true,
    // Signatures are verified before duplicates are dropped; this id comes first and is cheap.
    fastMsgIdFn: (message) => `${hex(message.from)}${hex(message.seqno)}`,
    allowedTopics: TOPICS.map(topicName),
    maxInboundDataLength: GOSSIP_BYTES_MAX + 4_096,
    maxOutboundBufferSize: 16 * GOSSIP_BYTES_MAX,
    // Peers of one machine share an address: by default more than ten of them lose score.
    scoreParams: { IPColocationFactorWeight: 0 },
    D: 4,
    Dlo: 3,
    Dhi: 6,
    Dout: 1,
    Dscore: 2,
    Dlazy: 3,
    idontwantMinDataSize: GOSSIP_BYTES_MAX,
  })
}

/**
 * Whether gossip to this peer has an open stream. gossipsub opens one itself on the first connection, drops messages
 * until it is open, and raises no event; its map of streams is the only place that shows it.
 */
export function gossipsTo(node: MeshNode, peer: string): boolean {
  return (node.services.pubsub as unknown as { streamsOutbound: ReadonlyMap<string, unknown> }).streamsOutbound.has(
    peer,
  )
}

const hex = (bytes: Uint8Array | undefined) => (bytes === undefined ? '' : Buffer.from(bytes).toString('hex'))

/** Why a node did not start, in one sentence. */
export function listenFailure(error: unknown, listen: readonly string[]): UsageError {
  const text = sentence(error)
  const why = /EADDRINUSE/.test(text)
    ? 'the port is in use; choose another, or stop the program that listens on it'
    : /EADDRNOTAVAIL/.test(text)
      ? 'this machine has no such address'
      : /EACCES/.test(text)
        ? 'ports below 1024 need root or CAP_NET_BIND_SERVICE'
        : text
  return new UsageError(`Cannot listen on ${listen.join(', ')}: ${why}.`, { cause: error })
}

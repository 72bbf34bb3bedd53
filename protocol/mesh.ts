/**
 * The mesh as the rest of the node sees it: connections, gossip and streams. Adapters: `mesh/libp2p-mesh.ts` and
 * `testing/memory-mesh/memory-mesh.ts`; both pass `conformance/mesh.ts`.
 *
 * Promises: gossip is a hint (lost, doubled, late, reordered; never altered, its author authenticated). A `connected` event
 * follows every first connection and a `disconnected` event the loss of the last; between the two, gossip flows both
 * ways. A peer that is stopped or cut off is disconnected shortly after `SILENCE_MS`. Streams have real back-pressure: a
 * sink waits for a slow reader, and no side holds more than a few MiB. Known peers are redialled without end.
 */
import type { PeerId } from './ids.ts'

/** Every gossip topic. */
export const TOPICS = ['heartbeat', 'work', 'suspect'] as const
/** One of `TOPICS`. */
export type Topic = (typeof TOPICS)[number]

/** Stream protocols, by their short names; `/reelmesh/<name>/1` on the wire. */
export type Protocol = 'blob' | 'status'

/** A duplex in the shape that it-pipe joins. */
export interface MeshStream {
  readonly peer: PeerId
  /**
   * Ends when the other side closed its writing end; throws `PeerUnreachable` when the stream or its connection broke: what
   * was cut never looks finished. One iterator, however often iteration begins, so a header may be read first and the rest
   * later; leaving it early (`break`) breaks the stream.
   */
  readonly source: AsyncIterable<Uint8Array>
  /** Writes all, waiting whenever the other side is slow, then closes the writing end. Throws `PeerUnreachable`. */
  sink(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>
  /** Breaks the stream for both sides. Idempotent. */
  abort(reason: Error): void
}

/** A message of another peer. */
export interface GossipMessage {
  readonly topic: Topic
  /** Authenticated by signature: who wrote it, not who forwarded it. Never this peer itself. */
  readonly author: PeerId
  readonly data: Uint8Array
}

/** Why a connection was lost, as this peer saw it: `alive` is silence, an observation of its own. */
export type LossReason = 'closed' | 'alive'

/** What a listener may handle. Handlers must be quick and never throw. */
export interface MeshEvents {
  onConnected?(peer: PeerId): void
  onDisconnected?(peer: PeerId, why: LossReason): void
  onGossip?(message: GossipMessage): void
}

/** The connections of this peer to all others. */
export interface Mesh {
  readonly self: PeerId
  /** Idempotent. Rejects with `UsageError` when a listen address is taken or wrong. */
  start(): Promise<void>
  /** Idempotent, and for good. Closes every connection; nothing is left running. */
  stop(): Promise<void>
  /** Addresses others may dial, with `/p2p/<self>`; loopback ones only while nothing else is listened on. */
  addresses(): readonly string[]
  /** Connected peers now. */
  peers(): readonly PeerId[]
  /** How often each event happened is up to the mesh; handlers must be quick and never throw. The answer unsubscribes. */
  listen(events: MeshEvents): () => void
  /** Best effort; resolves when handed to the network, also when nobody is there. At most `GOSSIP_BYTES_MAX`. */
  publish(topic: Topic, data: Uint8Array): Promise<void>
  /** Answers streams of this protocol. A handler that throws aborts its stream only. */
  handle(protocol: Protocol, handler: (stream: MeshStream) => Promise<void>): void
  /** Dials when not connected. `PeerUnreachable` when that fails, or the other side does not speak the protocol. */
  open(peer: PeerId, protocol: Protocol, signal: AbortSignal): Promise<MeshStream>
  /** Learns where a peer is (from a heartbeat, a flag, mDNS): remembered, bounded, and dialled without end. */
  learn(peer: PeerId | null, addresses: readonly string[]): void
}

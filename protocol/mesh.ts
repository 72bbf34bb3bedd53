/**
 * The mesh as the rest of the node sees it: connections, gossip and streams. Adapters: `mesh/libp2p-mesh.ts`, `mesh/lone-mesh.ts` for a node that is
 * alone, and `testing/memory-mesh/memory-mesh.ts`; the first and the last pass `conformance/mesh.ts`.
 *
 * Promises: gossip is a hint (lost, doubled, late, reordered; never altered, its author authenticated). A `connected` event
 * follows every first connection and a `disconnected` event the loss of the last; between the two, gossip flows both
 * ways. A peer that is stopped or cut off is disconnected shortly after `SILENCE_MS`. Streams have real back-pressure: a
 * sink waits for a slow reader, and no side holds more than a few MiB. Known peers are redialled without end.
 */
import type { PeerId } from './ids.ts'
import { GOSSIP_BYTES_MAX } from './limits.ts'

/** Every gossip topic. */
export const TOPICS = ['heartbeat', 'work', 'suspect'] as const
/** One of `TOPICS`. */
export type Topic = (typeof TOPICS)[number]

/** Throws `RangeError` for a message beyond `GOSSIP_BYTES_MAX`. */
export function checkGossip({ byteLength }: Uint8Array): void {
  if (byteLength > GOSSIP_BYTES_MAX)
    throw new RangeError(`the gossip message has ${byteLength} bytes, more than ${GOSSIP_BYTES_MAX}`)
}

/** Stream protocols, by their short names; `/reelmesh/<name>/1` on the wire. */
export type Protocol = 'blob' | 'line' | 'status'

/** A duplex stream to a peer, in the form that `it-pipe` takes. */
export interface MeshStream {
  readonly peer: PeerId
  /** Where the peer's end of the connection is on the network; absent where it has no address. */
  readonly host?: string
  /**
   * Ends when the other side closed its writing end; throws `PeerUnreachable` when the stream or its connection broke, so
   * that a truncated stream never looks complete. All iterations share one iterator, so that a header may be read first and the rest
   * later; `break` aborts the stream.
   */
  readonly source: AsyncIterable<Uint8Array>
  /** Writes all, waiting while the other side is slow, then closes the writing end. Rejects with `PeerUnreachable`. */
  sink(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>
  /** Whether the sink asks for the next piece only when the last one has left the process, so that its memory can be used again. Default: false. */
  readonly isPieceByPiece?: boolean
  /** Breaks the stream for both sides. Idempotent. */
  abort(reason: Error): void
}

/** A message of another peer. */
export interface GossipMessage {
  readonly topic: Topic
  /** The writer, authenticated by its signature, not the peer that forwarded it. Never this peer itself. */
  readonly author: PeerId
  readonly data: Uint8Array
}

/** Why a connection was lost: `closed` by the network or the peer, `alive` because its alive stream was silent for `SILENCE_MS`. */
export type LossReason = 'closed' | 'alive'

/** Handlers of a listener. They must be quick and never throw. */
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
  /** Closes every connection; nothing is left running. Idempotent; a stopped mesh cannot be started again. */
  stop(): Promise<void>
  /** Addresses that others may dial, with `/p2p/<self>`; loopback addresses only where there are no others. */
  addresses(): readonly string[]
  /** Connected peers now. */
  peers(): readonly PeerId[]
  /** Calls the handlers for every event from now on. The returned function unsubscribes. */
  listen(events: MeshEvents): () => void
  /** Best effort: resolves when the message was given to the network, also without peers. Rejects with `RangeError` beyond `GOSSIP_BYTES_MAX`. */
  publish(topic: Topic, data: Uint8Array): Promise<void>
  /** Registers the handler of streams of this protocol. A handler that rejects aborts its stream only. */
  handle(protocol: Protocol, handler: (stream: MeshStream) => Promise<void>): void
  /** Opens a stream; dials first when not connected. Rejects with `PeerUnreachable`, also where the peer lacks the protocol, and with the signal's reason. */
  open(peer: PeerId, protocol: Protocol, signal: AbortSignal): Promise<MeshStream>
  /**
   * Stores addresses of a peer (from a heartbeat, a flag, mDNS), at most `ADDRESSES_PER_PEER`, and dials them without end. `null`: the
   * addresses say which peer they are of. Throws `UsageError` for a wrong address then; of a known peer wrong ones are dropped.
   */
  learn(peer: PeerId | null, addresses: readonly string[]): void
}

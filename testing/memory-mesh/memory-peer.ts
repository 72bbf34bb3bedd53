/** One peer of the in-memory mesh: the `Mesh` contract on top of the hub in `memory-mesh.ts`, which decides who is linked. */
import type { Clock, Rng } from '../../protocol/clock.ts'
import { PeerUnreachable } from '../../protocol/errors.ts'
import { isPeerId, type PeerId } from '../../protocol/ids.ts'
import { DIAL_TIMEOUT_MS, STREAMS_PER_PEER } from '../../protocol/limits.ts'
import {
  checkGossip,
  type LossReason,
  type Mesh,
  type MeshEvents,
  type MeshStream,
  type Protocol,
  type Topic,
} from '../../protocol/mesh.ts'
import { memoryStreams } from './memory-stream.ts'

/** The network as one peer sees it. */
export interface MemoryNetwork {
  readonly clock: Clock
  readonly rng: Rng
  readonly faults: { readonly gossipLoss: number }
  /** Started ones. */
  readonly peers: Map<PeerId, MemoryPeer>
  isFrozen(peer: PeerId): boolean
  /** Whether a message sent now would arrive. */
  canReach(from: PeerId, to: PeerId): boolean
  /** One way, ms. */
  latency(from: PeerId, to: PeerId): number
  /** The open connection of two peers. Its streams break with it. */
  link(a: PeerId, b: PeerId): { readonly isOpen: boolean; readonly streams: Set<(reason: Error) => void> } | undefined
  /** Opens what should be open and closes what should not, each after its time. Called after every change. */
  reconsider(): void
  leave(peer: MemoryPeer): void
}

export const memoryAddress = (peer: PeerId) => `/memory/${peer}`

export class MemoryPeer implements Mesh {
  readonly self: PeerId
  readonly #hub: MemoryNetwork
  readonly #known = new Set<PeerId>()
  readonly #connected = new Set<PeerId>()
  readonly #listeners = new Set<MeshEvents>()
  readonly #handlers = new Map<Protocol, (stream: MeshStream) => Promise<void>>()
  #state: 'new' | 'started' | 'gone' = 'new'

  constructor(hub: MemoryNetwork, self: PeerId) {
    this.#hub = hub
    this.self = self
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'started'
    this.#hub.peers.get(this.self)?.leave()
    this.#hub.peers.set(this.self, this)
    this.#hub.reconsider()
  }

  async stop(): Promise<void> {
    this.leave()
  }

  leave(): void {
    const wasStarted = this.#state === 'started'
    this.#state = 'gone'
    this.#connected.clear()
    if (wasStarted) this.#hub.leave(this)
  }

  addresses(): readonly string[] {
    return this.#state === 'started' ? [memoryAddress(this.self)] : []
  }

  peers(): readonly PeerId[] {
    return [...this.#connected]
  }

  knows(peer: PeerId): boolean {
    return this.#known.has(peer)
  }

  listen(events: MeshEvents): () => void {
    this.#listeners.add(events)
    return () => this.#listeners.delete(events)
  }

  connected(peer: PeerId): void {
    this.#connected.add(peer)
    this.#known.add(peer)
    for (const each of this.#listeners) each.onConnected?.(peer)
  }

  disconnected(peer: PeerId, why: LossReason): void {
    if (!this.#connected.delete(peer)) return
    for (const each of this.#listeners) each.onDisconnected?.(peer, why)
  }

  /** Gossip reaches everyone who is linked to this peer by any path of links, as gossipsub's relaying does. */
  async publish(topic: Topic, data: Uint8Array): Promise<void> {
    checkGossip(data)
    if (this.#state !== 'started') return
    const copy = data.slice()
    const { clock, rng, faults } = this.#hub
    for (const to of this.#reachable()) {
      if (rng.random() < faults.gossipLoss) continue
      clock.timer(this.#hub.latency(this.self, to), () => {
        if (!this.#hub.isFrozen(to)) this.#hub.peers.get(to)?.gossiped({ topic, author: this.self, data: copy })
      })
    }
  }

  #reachable(): Set<PeerId> {
    const seen = new Set<PeerId>([this.self])
    for (const at of seen) {
      for (const next of this.#hub.peers.get(at)?.peers() ?? []) {
        if (this.#hub.canReach(at, next)) seen.add(next)
      }
    }
    seen.delete(this.self)
    return seen
  }

  gossiped(message: { topic: Topic; author: PeerId; data: Uint8Array }): void {
    for (const each of this.#listeners) each.onGossip?.(message)
  }

  handle(protocol: Protocol, handler: (stream: MeshStream) => Promise<void>): void {
    this.#handlers.set(protocol, handler)
  }

  async open(peer: PeerId, protocol: Protocol, signal: AbortSignal): Promise<MeshStream> {
    signal.throwIfAborted()
    const { clock } = this.#hub
    const link = this.#hub.link(this.self, peer)
    const other = this.#hub.peers.get(peer)
    if (this.#state !== 'started' || !link || !other) throw new PeerUnreachable(`peer ${peer} is not connected`)
    if (!this.#hub.canReach(this.self, peer)) await clock.sleep(DIAL_TIMEOUT_MS, signal)
    else await clock.sleep(2 * this.#hub.latency(this.self, peer), signal)
    const handler = other.#handlers.get(protocol)
    if (!link.isOpen || !this.#hub.canReach(this.self, peer))
      throw new PeerUnreachable(`peer ${peer} does not answer ${protocol}`)
    if (!handler) throw new PeerUnreachable(`peer ${peer} does not speak ${protocol}`)
    if (link.streams.size >= 2 * STREAMS_PER_PEER) throw new PeerUnreachable(`too many streams to peer ${peer}`)
    const [near, far, breakBoth] = memoryStreams({
      near: this.self,
      far: peer,
      deliver: inOrder(clock, () => this.#hub.latency(this.self, peer)),
      onClosed: () => link.streams.delete(breakBoth),
    })
    link.streams.add(breakBoth)
    void handler(far).then(
      () => far.finish(),
      (error) => far.abort(error instanceof Error ? error : new Error(String(error))),
    )
    return near
  }

  learn(peer: PeerId | null, addresses: readonly string[]): void {
    const named = peer === null ? addresses.map((address) => address.replace('/memory/', '')).filter(isPeerId) : [peer]
    const fresh = named.filter((each) => each !== this.self && !this.#known.has(each))
    for (const each of fresh) this.#known.add(each)
    if (fresh.length > 0 && this.#state === 'started') this.#hub.reconsider()
  }
}

/** Bytes of one stream do not overtake each other, however latency varies. */
function inOrder(clock: Clock, latency: () => number): (act: () => void) => void {
  let lastAt = 0
  return (act) => {
    lastAt = Math.max(lastAt, clock.mono() + latency())
    clock.timer(Math.ceil(lastAt - clock.mono()), act)
  }
}

/**
 * The mesh in one process, for simulations and tests: no sockets, no real time, no chance but the injected ones. A hub stands
 * for the network; each `join` is a peer. Addresses read `/memory/<peer id>`.
 *
 *   link(a, b) opens    while both are started, neither is frozen, no partition is between them, and one knows the other
 *   and closes          `closed`: at once when one stops or is killed
 *                       `alive`:  `SILENCE_MS` after one froze or a partition came between them
 *
 * Faults: latency of everything, loss of gossip, partitions, frozen peers, killed peers. Left out: bandwidth.
 */
import type { Clock, Rng } from '../../protocol/clock.ts'
import { PeerUnreachable } from '../../protocol/errors.ts'
import { isPeerId, type PeerId } from '../../protocol/ids.ts'
import { DIAL_TIMEOUT_MS, GOSSIP_BYTES_MAX, SILENCE_MS, STREAMS_PER_PEER } from '../../protocol/limits.ts'
import type { LossReason, Mesh, MeshEvents, MeshStream, Protocol, Topic } from '../../protocol/mesh.ts'
import { memoryStreams } from './memory-stream.ts'

const REDIAL_MS = 250

export interface MemoryFaults {
  /** One way, ms; drawn anew for every message, dial and stream. */
  latencyMs(from: PeerId, to: PeerId): number
  /** Share of gossip messages lost on the way to one peer, 0–1. */
  gossipLoss: number
}

export interface MemoryHub {
  readonly faults: MemoryFaults
  /** A peer, not started. A peer that was stopped or killed may join again under its id. */
  join(peer: PeerId, options?: { knows?: readonly PeerId[] }): Mesh
  /** Peers of different groups no longer reach each other; those not named form one group of their own. */
  partition(...groups: readonly (readonly PeerId[])[]): void
  heal(): void
  /** As SIGSTOP: it says nothing and hears nothing until thawed. */
  freeze(peer: PeerId): void
  thaw(peer: PeerId): void
  /** As SIGKILL: gone without a word, its connections close. */
  kill(peer: PeerId): void
}

export const memoryAddress = (peer: PeerId) => `/memory/${peer}`

export function createMemoryHub(options: { clock: Clock; rng: Rng; faults?: Partial<MemoryFaults> }): MemoryHub {
  const hub = new Hub(options)
  return {
    faults: hub.faults,
    join: (peer, { knows = [] } = {}) => hub.join(peer, knows),
    partition: (...groups) => hub.partition(groups),
    heal: () => hub.partition([]),
    freeze: (peer) => hub.setFrozen(peer, true),
    thaw: (peer) => hub.setFrozen(peer, false),
    kill: (peer) => hub.peers.get(peer)?.leave(),
  }
}

/** A pair of peers; `open` while connected. */
interface Link {
  readonly ends: readonly [MemoryMesh, MemoryMesh]
  isOpen: boolean
  cancel: (() => void) | null
  readonly streams: Set<(reason: Error) => void>
}

class Hub {
  readonly clock: Clock
  readonly rng: Rng
  readonly faults: MemoryFaults
  readonly peers = new Map<PeerId, MemoryMesh>()
  readonly #links = new Map<string, Link>()
  #groups: readonly (readonly PeerId[])[] = []
  #frozen = new Set<PeerId>()

  constructor({ clock, rng, faults }: { clock: Clock; rng: Rng; faults?: Partial<MemoryFaults> }) {
    this.clock = clock
    this.rng = rng
    this.faults = { latencyMs: () => 1, gossipLoss: 0, ...faults }
  }

  join(peer: PeerId, knows: readonly PeerId[]): Mesh {
    const mesh = new MemoryMesh(this, peer)
    mesh.learn(null, knows.map(memoryAddress))
    return mesh
  }

  partition(groups: readonly (readonly PeerId[])[]): void {
    this.#groups = groups
    this.reconsider()
  }

  setFrozen(peer: PeerId, isFrozen: boolean): void {
    if (isFrozen) this.#frozen.add(peer)
    else this.#frozen.delete(peer)
    this.reconsider()
  }

  isFrozen(peer: PeerId): boolean {
    return this.#frozen.has(peer)
  }

  /** Whether a message sent now would arrive. */
  canReach(from: PeerId, to: PeerId): boolean {
    const groupOf = (peer: PeerId) => this.#groups.findIndex((group) => group.includes(peer))
    return !this.#frozen.has(from) && !this.#frozen.has(to) && groupOf(from) === groupOf(to)
  }

  latency(from: PeerId, to: PeerId): number {
    return Math.max(0, Math.ceil(this.faults.latencyMs(from, to)))
  }

  link(a: PeerId, b: PeerId): Link | undefined {
    const link = this.#links.get(keyOf(a, b))
    return link?.isOpen ? link : undefined
  }

  /** Opens what should be open and closes what should not, each after its time. Called after every change. */
  reconsider(): void {
    const started = [...this.peers.values()]
    for (const [at, a] of started.entries()) {
      for (const b of started.slice(at + 1)) {
        const key = keyOf(a.self, b.self)
        const link = this.#links.get(key) ?? { ends: [a, b], isOpen: false, cancel: null, streams: new Set() }
        this.#links.set(key, link)
        this.#settle(link)
      }
    }
  }

  #settle(link: Link): void {
    const [a, b] = link.ends
    const isPossible = this.canReach(a.self, b.self) && (a.knows(b.self) || b.knows(a.self))
    if (isPossible === link.isOpen) {
      link.cancel?.()
      link.cancel = null
    } else if (isPossible) {
      const dialMs = Math.ceil(REDIAL_MS * (0.2 + this.rng.random())) + this.latency(a.self, b.self)
      link.cancel ??= this.clock.timer(dialMs, () => {
        link.cancel = null
        link.isOpen = true
        a.connected(b.self)
        b.connected(a.self)
      })
    } else {
      // The last alive byte came up to a second before.
      const silentMs = Math.ceil(SILENCE_MS * (0.6 + 0.4 * this.rng.random()))
      link.cancel ??= this.clock.timer(silentMs, () => this.#close(link, 'alive'))
    }
  }

  #close(link: Link, why: LossReason, without?: MemoryMesh): void {
    link.cancel?.()
    link.cancel = null
    if (!link.isOpen) return
    link.isOpen = false
    for (const breakStream of link.streams) breakStream(new PeerUnreachable('the connection was lost'))
    const [a, b] = link.ends
    if (a !== without) a.disconnected(b.self, why)
    if (b !== without) b.disconnected(a.self, why)
    this.reconsider()
  }

  leave(mesh: MemoryMesh): void {
    this.peers.delete(mesh.self)
    for (const [key, link] of this.#links) {
      if (!link.ends.includes(mesh)) continue
      this.#links.delete(key)
      this.#close(link, 'closed', mesh)
    }
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

const keyOf = (a: PeerId, b: PeerId) => (a < b ? `${a} ${b}` : `${b} ${a}`)

class MemoryMesh implements Mesh {
  readonly self: PeerId
  readonly #hub: Hub
  readonly #known = new Set<PeerId>()
  readonly #connected = new Set<PeerId>()
  readonly #listeners = new Set<MeshEvents>()
  readonly #handlers = new Map<Protocol, (stream: MeshStream) => Promise<void>>()
  #state: 'new' | 'started' | 'gone' = 'new'

  constructor(hub: Hub, self: PeerId) {
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
    if (data.byteLength > GOSSIP_BYTES_MAX) throw new RangeError(`a gossip message of ${data.byteLength} bytes`)
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
    if (!link.isOpen || !this.#hub.canReach(this.self, peer)) throw new PeerUnreachable(`peer ${peer} does not answer ${protocol}`)
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
    const told = peer === null ? addresses.map((address) => address.replace('/memory/', '')).filter(isPeerId) : [peer]
    const fresh = told.filter((each) => each !== this.self && !this.#known.has(each))
    for (const each of fresh) this.#known.add(each)
    if (fresh.length > 0 && this.#state === 'started') this.#hub.reconsider()
  }
}

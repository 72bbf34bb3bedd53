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
import type { PeerId } from '../../protocol/ids.ts'
import { SILENCE_MS } from '../../protocol/limits.ts'
import type { LossReason, Mesh } from '../../protocol/mesh.ts'
import { type MemoryNetwork, MemoryPeer, memoryAddress } from './memory-peer.ts'

const REDIAL_MS = 250

export interface MemoryFaults {
  /** One way, ms; drawn for every message, dial and stream. */
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
  readonly ends: readonly [MemoryPeer, MemoryPeer]
  isOpen: boolean
  cancel: (() => void) | null
  readonly streams: Set<(reason: Error) => void>
}

class Hub implements MemoryNetwork {
  readonly clock: Clock
  readonly rng: Rng
  readonly faults: MemoryFaults
  readonly peers = new Map<PeerId, MemoryPeer>()
  readonly #links = new Map<string, Link>()
  #groups: readonly (readonly PeerId[])[] = []
  #frozen = new Set<PeerId>()

  constructor({ clock, rng, faults }: { clock: Clock; rng: Rng; faults?: Partial<MemoryFaults> }) {
    this.clock = clock
    this.rng = rng
    this.faults = { latencyMs: () => 1, gossipLoss: 0, ...faults }
  }

  join(peer: PeerId, knows: readonly PeerId[]): Mesh {
    const mesh = new MemoryPeer(this, peer)
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

  #close(link: Link, why: LossReason, without?: MemoryPeer): void {
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

  leave(mesh: MemoryPeer): void {
    this.peers.delete(mesh.self)
    for (const [key, link] of this.#links) {
      if (!link.ends.includes(mesh)) continue
      this.#links.delete(key)
      this.#close(link, 'closed', mesh)
    }
  }
}

const keyOf = (a: PeerId, b: PeerId) => (a < b ? `${a} ${b}` : `${b} ${a}`)

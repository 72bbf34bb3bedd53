/**
 * Which peers are members of the mesh now. A connection alone is not enough: a *member* is connected, subscribed to heartbeats
 * (so that gossip flows) and has sent an alive byte (so that its silence means something). Status clients are never members.
 *
 *   connection:open            more than one to this peer: the smaller id closes the newest, never the oldest
 *   subscription, first beat   both seen, and our own gossip stream to it open → `connected`
 *   connection:close, last     `disconnected`
 *   connection:close, oldest   with another left: gossip is broken in both directions without an event (libp2p-gossipsub 17
 *                              opens its stream on the first connection and never again) → close all connections, redial
 *   connection:close, other    gossip may have used it nevertheless (which connection carries it depends on whose handshake
 *                              ended first): checked a moment later → the same
 *   beats, but no gossip       in two checks in a row, for whatever reason → the same
 */
import type { Connection } from '@libp2p/interface'
import type { Clock } from '../protocol/clock.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import type { Log } from '../protocol/log.ts'
import type { LossReason } from '../protocol/mesh.ts'

const GOSSIP_CHECK_MS = 5_000
/** Checks in a row without a gossip stream after which the peer is redialled. */
const GOSSIP_CHECKS_FAILED_MAX = 2
/** gossipsub's own time to open its stream, after a connection beside the remaining one closed. */
const GOSSIP_SETTLE_MS = 400
/** gossipsub raises no event when its own stream opens: it is polled this often, for a moment, for each new peer. */
const GOSSIP_POLL_MS = 20
const CONNECTIONS_PER_PEER = 2
/** Subscriptions of peers whose connection was not reported yet, or just closed. */
const EARLY_SUBSCRIPTIONS_MAX = 256

/** All open connections to one peer. */
interface Link {
  /** Oldest first. */
  readonly connections: Connection[]
  isSubscribed: boolean
  hasBeaten: boolean
  isMember: boolean
  failedGossipChecks: number
  why: LossReason
}

/** Events of the table of members. */
export interface MemberEvents {
  onConnected(peer: PeerId): void
  onDisconnected(peer: PeerId, why: LossReason): void
  /** The last connection to any peer closed, member or not. */
  onLinkLost(peer: PeerId): void
}

/** Takes the events of libp2p; every call may come late or twice. */
export interface Members {
  opened(connection: Connection): void
  closed(connection: Connection): void
  /** The peer subscribed to heartbeats. */
  subscribed(peer: PeerId): void
  /** The first alive byte arrived on this connection. */
  firstHeartbeat(connection: Connection): void
  /** Aborts the connection, because its alive stream timed out. */
  silent(connection: Connection): void
  list(): PeerId[]
  /** All peers with an open connection, members or not. */
  linked(): ReadonlySet<PeerId>
  connection(peer: PeerId): Connection | undefined
  stop(): void
}

/** The parts that the table uses, and where it reports events. */
export interface MembersOptions {
  readonly self: PeerId
  readonly clock: Clock
  readonly log: Log
  readonly events: MemberEvents
  /** Whether gossip to this peer has an open stream now. */
  readonly gossipsTo: (peer: PeerId) => boolean
}

/** An empty table. Checks gossip every 5 s until `stop`. */
export function createMembers(options: MembersOptions): Members {
  return new MemberTable(options)
}

class MemberTable implements Members {
  readonly #options: MembersOptions
  readonly #links = new Map<PeerId, Link>()
  /** A subscription may arrive before its connection. */
  readonly #earlySubscriptions = new Set<PeerId>()
  #cancel: () => void

  constructor(options: MembersOptions) {
    this.#options = options
    this.#cancel = options.clock.timer(GOSSIP_CHECK_MS, () => this.#checkGossip())
  }

  opened(connection: Connection): void {
    if (connection.status !== 'open') return
    const peer = peerOf(connection)
    const link = this.#links.get(peer) ?? newLink()
    if (link.connections.includes(connection)) return
    this.#links.set(peer, link)
    link.isSubscribed ||= this.#earlySubscriptions.delete(peer)
    link.connections.push(connection)
    const isTieBreaker = this.#options.self < peer || link.connections.length > CONNECTIONS_PER_PEER
    if (link.connections.length === 1 || !isTieBreaker) return
    this.#options.log.debug('two connections to one peer; closing the newest', { peer })
    // Not `close`: that ends its streams as if everything had been written.
    connection.abort(new Error('double connection'))
  }

  closed(connection: Connection): void {
    const peer = peerOf(connection)
    const link = this.#links.get(peer)
    const at = link?.connections.indexOf(connection) ?? -1
    if (!link || at < 0) return
    link.connections.splice(at, 1)
    if (link.connections.length === 0) this.#drop(peer, link)
    else if (at === 0) disconnect(link, GOSSIP_CONNECTION_CLOSED)
    else
      this.#options.clock.timer(
        GOSSIP_SETTLE_MS,
        () => !this.#options.gossipsTo(peer) && disconnect(link, GOSSIP_CONNECTION_CLOSED),
      )
  }

  #drop(peer: PeerId, link: Link): void {
    const { log, events } = this.#options
    this.#links.delete(peer)
    this.#earlySubscriptions.delete(peer)
    if (link.isMember) {
      log.info('peer disconnected', { peer, reason: link.why })
      events.onDisconnected(peer, link.why)
    }
    events.onLinkLost(peer)
  }

  subscribed(peer: PeerId): void {
    const link = this.#links.get(peer)
    if (link) {
      link.isSubscribed = true
      this.#admit(peer, link)
      return
    }
    if (this.#earlySubscriptions.size >= EARLY_SUBSCRIPTIONS_MAX) this.#earlySubscriptions.clear()
    this.#earlySubscriptions.add(peer)
  }

  firstHeartbeat(connection: Connection): void {
    this.opened(connection)
    const link = this.#links.get(peerOf(connection))
    if (!link) return
    link.hasBeaten = true
    this.#admit(peerOf(connection), link)
  }

  #admit(peer: PeerId, link: Link): void {
    const { clock, events, gossipsTo } = this.#options
    if (link.isMember || !link.isSubscribed || !link.hasBeaten || link.connections.length === 0) return
    if (!gossipsTo(peer)) {
      clock.timer(GOSSIP_POLL_MS, () => this.#admit(peer, link))
      return
    }
    link.isMember = true
    events.onConnected(peer)
  }

  #checkGossip(): void {
    const { clock, log, gossipsTo } = this.#options
    for (const [peer, link] of this.#links) {
      const isBroken = link.hasBeaten && !(link.isMember && gossipsTo(peer))
      link.failedGossipChecks = isBroken ? link.failedGossipChecks + 1 : 0
      if (link.failedGossipChecks < GOSSIP_CHECKS_FAILED_MAX) continue
      log.warn('no gossip stream to peer; reconnecting', { peer })
      disconnect(link, 'no gossip stream')
    }
    this.#cancel = clock.timer(GOSSIP_CHECK_MS, () => this.#checkGossip())
  }

  silent(connection: Connection): void {
    const link = this.#links.get(peerOf(connection))
    if (link) link.why = 'alive'
    connection.abort(new Error('alive stream timed out'))
  }

  list(): PeerId[] {
    return [...this.#links].filter(([, link]) => link.isMember).map(([peer]) => peer)
  }

  linked(): ReadonlySet<PeerId> {
    return new Set(this.#links.keys())
  }

  connection(peer: PeerId): Connection | undefined {
    return this.#links.get(peer)?.connections.find((each) => each.status === 'open')
  }

  stop(): void {
    this.#cancel()
  }
}

const GOSSIP_CONNECTION_CLOSED = 'the connection that carried gossip closed'

const peerOf = (connection: Connection): PeerId => asPeerId(connection.remotePeer.toString())

function disconnect(link: Link, reason: string): void {
  for (const connection of [...link.connections]) connection.abort(new Error(reason))
}

const newLink = (): Link => ({
  connections: [],
  isSubscribed: false,
  hasBeaten: false,
  isMember: false,
  failedGossipChecks: 0,
  why: 'closed',
})

/**
 * Who is a peer of the mesh right now. A connection alone is not enough: a *member* is connected, subscribed to
 * heartbeats (so gossip flows) and has sent an alive byte (so its silence can be judged). Status clients never are.
 *
 *   connection:open            more than one to this peer: the smaller id closes the newest, never the oldest
 *   subscription, first beat   both seen, and our own gossip stream to it open → `connected`
 *   connection:close, last     `disconnected`
 *   connection:close, oldest   with another left: gossip is mute in both directions and no event says so (libp2p-gossipsub 17
 *                              opens its stream on the first connection and never again) → hang up all, redial
 *   connection:close, other    gossip may have run over it all the same (which connection carries it depends on whose
 *                              handshake ended first): looked at a moment later → the same
 *   beats, but no gossip       twice in a row, for whatever reason → the same
 */
import type { Connection } from '@libp2p/interface'
import type { Clock } from '../protocol/clock.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import type { Log } from '../protocol/log.ts'
import type { LossReason } from '../protocol/mesh.ts'

const MUTE_CHECK_MS = 5_000
/** gossipsub's own time to open its stream, after a connection beside the remaining one closed. */
const GOSSIP_SETTLE_MS = 400
/** Nothing tells when gossipsub's own stream is open: looked at this often, for a moment, at each newcomer. */
const GOSSIP_LOOK_MS = 20
const CONNECTIONS_PER_PEER = 2
/** Subscriptions of peers whose connection was not told of yet, or just closed. */
const EARLY_MAX = 256

interface Link {
  /** Open ones, oldest first. */
  readonly connections: Connection[]
  isSubscribed: boolean
  hasBeaten: boolean
  isMember: boolean
  muteChecks: number
  why: LossReason
}

export interface MemberEvents {
  onConnected(peer: PeerId): void
  onDisconnected(peer: PeerId, why: LossReason): void
  /** The last connection of any peer closed, member or not. */
  onLinkLost(peer: PeerId): void
}

export interface Members {
  opened(connection: Connection): void
  closed(connection: Connection): void
  subscribed(peer: PeerId): void
  firstHeartbeat(connection: Connection): void
  /** Gives the connection up because its peer is silent. */
  silent(connection: Connection): void
  list(): PeerId[]
  linked(): ReadonlySet<PeerId>
  connection(peer: PeerId): Connection | undefined
  stop(): void
}

export function createMembers(options: {
  self: PeerId
  clock: Clock
  log: Log
  events: MemberEvents
  /** Whether gossip to this peer has a stream now. */
  gossipsTo: (peer: PeerId) => boolean
}): Members {
  const { self, clock, log, events, gossipsTo } = options
  const links = new Map<PeerId, Link>()
  /** Subscriptions may be told before the connection is. */
  const earlySubscriptions = new Set<PeerId>()

  const linkOf = (connection: Connection) => links.get(asPeerId(connection.remotePeer.toString()))

  const admit = (peer: PeerId, link: Link) => {
    if (link.isMember || !link.isSubscribed || !link.hasBeaten || link.connections.length === 0) return
    if (!gossipsTo(peer)) return void clock.timer(GOSSIP_LOOK_MS, () => admit(peer, link))
    link.isMember = true
    events.onConnected(peer)
  }

  const disconnect = (link: Link, reason: string) => {
    for (const connection of [...link.connections]) connection.abort(new Error(reason))
  }

  function opened(connection: Connection): void {
    if (connection.status !== 'open') return
    const peer = asPeerId(connection.remotePeer.toString())
    const link = links.get(peer) ?? newLink()
    if (link.connections.includes(connection)) return
    links.set(peer, link)
    link.isSubscribed ||= earlySubscriptions.delete(peer)
    link.connections.push(connection)
    const isTieBreaker = self < peer || link.connections.length > CONNECTIONS_PER_PEER
    if (link.connections.length === 1 || !isTieBreaker) return
    log.debug('two connections to one peer, closing the newest', { peer })
    // Not `close`: that ends the streams on it as if all had been written.
    connection.abort(new Error('double connection'))
  }

  function closed(connection: Connection): void {
    const peer = asPeerId(connection.remotePeer.toString())
    const link = links.get(peer)
    const at = link?.connections.indexOf(connection) ?? -1
    if (!link || at < 0) return
    link.connections.splice(at, 1)
    if (link.connections.length > 0) {
      if (at === 0) disconnect(link, 'gossip ran over the connection that closed')
      else
        clock.timer(
          GOSSIP_SETTLE_MS,
          () => !gossipsTo(peer) && disconnect(link, 'gossip ran over the connection that closed'),
        )
      return
    }
    links.delete(peer)
    earlySubscriptions.delete(peer)
    if (link.isMember) {
      log.info('a peer was lost', { peer, why: link.why })
      events.onDisconnected(peer, link.why)
    }
    events.onLinkLost(peer)
  }

  const checkGossip = () => {
    for (const [peer, link] of links) {
      link.muteChecks = link.hasBeaten && !(link.isMember && gossipsTo(peer)) ? link.muteChecks + 1 : 0
      if (link.muteChecks < 2) continue
      log.warn('gossip to a peer is mute, dialling anew', { peer })
      disconnect(link, 'gossip is mute')
    }
    cancel = clock.timer(MUTE_CHECK_MS, checkGossip)
  }
  let cancel = clock.timer(MUTE_CHECK_MS, checkGossip)

  return {
    opened,
    closed,
    subscribed: (peer) => {
      const link = links.get(peer)
      if (!link) {
        if (earlySubscriptions.size >= EARLY_MAX) earlySubscriptions.clear()
        return void earlySubscriptions.add(peer)
      }
      link.isSubscribed = true
      admit(peer, link)
    },
    firstHeartbeat: (connection) => {
      opened(connection)
      const link = linkOf(connection)
      if (!link) return
      link.hasBeaten = true
      admit(asPeerId(connection.remotePeer.toString()), link)
    },
    silent: (connection) => {
      const link = linkOf(connection)
      if (link) link.why = 'alive'
      connection.abort(new Error('silent for too long'))
    },
    list: () => [...links].filter(([, link]) => link.isMember).map(([peer]) => peer),
    linked: () => new Set(links.keys()),
    connection: (peer) => links.get(peer)?.connections.find((each) => each.status === 'open'),
    stop: () => cancel(),
  }
}

const newLink = (): Link => ({
  connections: [],
  isSubscribed: false,
  hasBeaten: false,
  isMember: false,
  muteChecks: 0,
  why: 'closed',
})

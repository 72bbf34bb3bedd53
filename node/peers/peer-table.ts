/**
 * The last accepted heartbeat of every member. Gossip may be doubled, late and reordered, and any peer may replay signed messages: a
 * heartbeat counts only when its `(epoch, seq)` is above the last one of its author. Older ones are ignored, not rejected. The time of the
 * last heartbeat is measured with this node's own monotonic clock.
 *
 * Heartbeats of peers that are not known as members are held apart, a few of them, and counted for nothing, until the list of members was
 * read again. Where there are too many, those of peers that are not connected are dropped first.
 */
import type { Clock } from '../../protocol/clock.ts'
import { type Decoded, decodeHeartbeat, type Heartbeat, isNewer } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { PEERS_REMEMBERED } from '../../protocol/limits.ts'
import type { GossipMessage } from '../../protocol/mesh.ts'
import type { HeardPeer, PeerTable } from '../../protocol/peer-table.ts'
import { remember } from '../../protocol/remember.ts'
import type { Members } from './membership.ts'

/** The peer table with its input. */
export interface HeardTable extends PeerTable {
  readonly self: PeerId
  /** Accepts, ignores or rejects a heartbeat. One of an unknown peer is ignored, and accepted later where the peer proves to be a member. */
  accept(message: GossipMessage): Decoded<Heartbeat>
  /** Calls `onBeat` for every accepted heartbeat. The returned function unsubscribes. */
  listen(onBeat: (heard: HeardPeer, before: HeardPeer | undefined) => void): () => void
}

/** The parts that a table uses. `connections`: the connected peers now, members or not. */
export interface PeerTableOptions {
  readonly clock: Clock
  readonly self: PeerId
  readonly members: Members
  readonly connections: () => readonly PeerId[]
}

/** Peers without a known membership whose last heartbeat is held: more never join within the second until the list is read. */
const HELD_MAX = 64

/** An empty table of at most `PEERS_REMEMBERED` peers; the longest silent one is dropped first. */
export function createPeerTable({ clock, self, members, connections }: PeerTableOptions): HeardTable {
  const heard = new Map<PeerId, HeardPeer>()
  /** By author. */
  const held = new Map<PeerId, GossipMessage>()
  const listeners = new Set<(now: HeardPeer, before: HeardPeer | undefined) => void>()

  function accept(message: GossipMessage): Decoded<Heartbeat> {
    const { author, data } = message
    if (author === self) return { verdict: 'ignore', why: 'own' }
    if (!members.has(author)) return hold(message)
    const decoded = decodeHeartbeat(data)
    if (decoded.verdict !== 'accept') return decoded
    const beat = decoded.message
    const before = heard.get(author)
    if (!isNewer(beat, before?.beat)) return { verdict: 'ignore', why: 'not newer' }
    const now = { peer: author, beat, heard_mono: clock.mono() }
    // Re-inserted, so that the longest silent peer is the first of the map.
    remember(heard, author, now, PEERS_REMEMBERED)
    for (const onBeat of listeners) onBeat(now, before)
    return decoded
  }

  function hold(message: GossipMessage): Decoded<Heartbeat> {
    held.delete(message.author)
    if (held.size >= HELD_MAX) {
      const linked = new Set(connections())
      const dropped = [...held.keys()].find((author) => !linked.has(author)) ?? held.keys().next().value
      if (dropped) held.delete(dropped)
    }
    held.set(message.author, message)
    members.look()
    return { verdict: 'ignore', why: 'not known as a member' }
  }

  members.listen(() => {
    const messages = [...held.values()].filter(({ author }) => members.has(author))
    held.clear()
    for (const message of messages) accept(message)
  })

  return {
    self,
    accept,
    get: (peer) => heard.get(peer),
    all: () => [...heard.values()],
    listen: (onBeat) => {
      listeners.add(onBeat)
      return () => listeners.delete(onBeat)
    },
  }
}

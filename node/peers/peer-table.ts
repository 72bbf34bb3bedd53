/**
 * The last accepted heartbeat of every peer. Gossip may be doubled, late and reordered, and any peer may replay signed messages: a heartbeat
 * counts only when its `(epoch, seq)` is above the last one of its author. Older ones are ignored, not rejected. The time of the last
 * heartbeat is measured with this node's own monotonic clock.
 */
import type { Clock } from '../../protocol/clock.ts'
import { type Decoded, decodeHeartbeat, type Heartbeat, isNewer } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { PEERS_REMEMBERED } from '../../protocol/limits.ts'
import type { GossipMessage } from '../../protocol/mesh.ts'
import type { HeardPeer, PeerTable } from '../../protocol/peer-table.ts'

/** The peer table with its input. */
export interface HeardTable extends PeerTable {
  readonly self: PeerId
  /** Accepts, ignores or rejects a heartbeat. */
  accept(message: GossipMessage): Decoded<Heartbeat>
  /** Calls `onBeat` for every accepted heartbeat. The returned function unsubscribes. */
  listen(onBeat: (heard: HeardPeer, before: HeardPeer | undefined) => void): () => void
}

/** An empty table of at most `PEERS_REMEMBERED` peers; the longest silent one is dropped first. */
export function createPeerTable({ clock, self }: { clock: Clock; self: PeerId }): HeardTable {
  const heard = new Map<PeerId, HeardPeer>()
  const listeners = new Set<(now: HeardPeer, before: HeardPeer | undefined) => void>()

  function accept({ author, data }: GossipMessage): Decoded<Heartbeat> {
    if (author === self) return { verdict: 'ignore', why: 'own' }
    const decoded = decodeHeartbeat(data)
    if (decoded.verdict !== 'accept') return decoded
    const beat = decoded.message
    const before = heard.get(author)
    if (!isNewer(beat, before?.beat)) return { verdict: 'ignore', why: 'not newer' }
    const now = { peer: author, beat, heard_mono: clock.mono() }
    // Re-inserted, so that the longest silent peer is the first of the map.
    heard.delete(author)
    heard.set(author, now)
    const [oldest] = heard.keys()
    if (heard.size > PEERS_REMEMBERED && oldest) heard.delete(oldest)
    for (const onBeat of listeners) onBeat(now, before)
    return decoded
  }

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

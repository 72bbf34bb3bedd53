/**
 * The last accepted heartbeat of every peer. Gossip may double, delay and reorder, and anybody may replay what was once
 * signed: a heartbeat counts only when its `(epoch, seq)` is above the last one of its author. Older ones are ignored without
 * blame. When a peer was last heard is measured with this node's own monotonic clock.
 */
import type { Clock } from '../../protocol/clock.ts'
import { type Decoded, decodeHeartbeat, type Heartbeat, isNewer } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { PEERS_REMEMBERED } from '../../protocol/limits.ts'
import type { GossipMessage } from '../../protocol/mesh.ts'
import type { HeardPeer, PeerTable } from '../../protocol/peer-table.ts'

/** The peer table as the node that fills it sees it. */
export interface HeardTable extends PeerTable {
  readonly self: PeerId
  /** Takes a heartbeat in; the verdict says what became of it. */
  accept(message: GossipMessage): Decoded<Heartbeat>
  /** Called for every heartbeat that was accepted. The answer unsubscribes. */
  listen(onBeat: (heard: HeardPeer, before: HeardPeer | undefined) => void): () => void
}

/** An empty table. It keeps a bounded number of peers; whoever was silent longest is dropped first. */
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
    // Re-inserted, so that the map's order is oldest first and the bound drops who has been silent longest.
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

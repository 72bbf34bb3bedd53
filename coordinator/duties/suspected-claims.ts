/**
 * The claims of each suspected peer when its suspicion began. Only those may be reclaimed: a later claim or renewal shows that the peer
 * reaches the ledger. A suspicion lasts until the peer is heard or connected again.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger, ObservedClaim } from '../../protocol/ledger.ts'
import { PEERS_REMEMBERED } from '../../protocol/limits.ts'
import type { PeerTable } from '../../protocol/peer-table.ts'

/** A suspicion about one peer. */
export interface Suspected {
  /** When the suspicion began, monotonic ms. */
  readonly since: number
  /** The claims of the peer then; empty once they are reclaimed. */
  claims: readonly ObservedClaim[]
}

/** The suspicions of this leader. */
export interface SuspectedClaims {
  /** Begins a suspicion and reads the claims of the peer. Rejects with `LedgerUnavailable`; then there is no suspicion. */
  begin(peer: PeerId): Promise<Suspected>
  /** The present suspicion, or a new one where the peer was heard since it began. */
  of(peer: PeerId): Promise<Suspected>
  /** Ends the suspicion: the peer is connected again. */
  end(peer: PeerId): void
}

/** The parts that suspicions use. */
export interface SuspectedClaimsModules {
  readonly ledger: Pick<Ledger, 'claimsOf'>
  readonly clock: Pick<Clock, 'mono'>
  readonly peers: Pick<PeerTable, 'get'>
}

/** Makes the set, empty. */
export function createSuspectedClaims({ ledger, clock, peers }: SuspectedClaimsModules): SuspectedClaims {
  const suspected = new Map<PeerId, Suspected>()

  async function begin(peer: PeerId): Promise<Suspected> {
    const since = clock.mono()
    // Where the read fails the next round repeats it: the claims of an older suspicion do not count.
    suspected.delete(peer)
    const begun: Suspected = { since, claims: await ledger.claimsOf(peer) }
    const [oldest] = suspected.keys()
    if (suspected.size >= PEERS_REMEMBERED && oldest !== undefined) suspected.delete(oldest)
    suspected.set(peer, begun)
    return begun
  }

  return {
    begin,
    async of(peer) {
      const begun = suspected.get(peer)
      return begun && (peers.get(peer)?.heard_mono ?? 0) <= begun.since ? begun : begin(peer)
    },
    end: (peer) => void suspected.delete(peer),
  }
}

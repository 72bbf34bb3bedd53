/**
 * What each suspect held when its suspicion began. Only those claims may be reclaimed: what a suspect claims or renews since shows that it
 * reaches the ledger. A suspicion stands until the peer is heard or connected again.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger, ObservedClaim } from '../../protocol/ledger.ts'
import { PEERS_REMEMBERED } from '../../protocol/limits.ts'
import type { PeerTable } from '../../protocol/peer-table.ts'

export interface Suspected {
  /** By the monotonic clock. */
  readonly since: number
  /** What it held then; none once that was reclaimed. */
  claims: readonly ObservedClaim[]
}

export interface SuspectedClaims {
  /** A new suspicion, which reads what the peer holds now. Rejects where the ledger cannot say: then none stands. */
  begin(peer: PeerId): Promise<Suspected>
  /** The suspicion that stands, or a new one where the peer was heard since. */
  of(peer: PeerId): Promise<Suspected>
  /** The peer is there again. */
  end(peer: PeerId): void
}

export interface SuspectedClaimsModules {
  readonly ledger: Pick<Ledger, 'claimsOf'>
  readonly clock: Pick<Clock, 'mono'>
  readonly peers: Pick<PeerTable, 'get'>
}

export function createSuspectedClaims({ ledger, clock, peers }: SuspectedClaimsModules): SuspectedClaims {
  const suspected = new Map<PeerId, Suspected>()

  async function begin(peer: PeerId): Promise<Suspected> {
    const since = clock.mono()
    // A reading that fails is made by the next round: what an older suspicion read says nothing of this one.
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

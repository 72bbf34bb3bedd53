/**
 * What the reclaim duty asks of a ledger, answered as if every worker held one claim all the time; one that was reclaimed
 * claims again at its next renewal, as a worker does that hears that it lost its attempt.
 */
import type { PeerId } from '../../../protocol/ids.ts'
import type { Ledger } from '../../../protocol/ledger.ts'

export interface Reclaims {
  /** Called for each claim that the leader reclaims. */
  reclaimed(peer: PeerId): void
  /** Whether this worker holds a claim now. */
  holds(peer: PeerId): boolean
}

export function claimsOfAll(workers: readonly PeerId[], { reclaimed, holds }: Reclaims): Ledger {
  const holding = () => workers.filter(holds)
  const claimOf = (peer: PeerId) => ({ task: `task of ${peer}`, worker_id: peer, token: peer })
  const answers = {
    tasks: async () => holding().map((peer) => ({ claims: [claimOf(peer)] })),
    claimsOf: async (peer: PeerId) => (workers.includes(peer) && holds(peer) ? [claimOf(peer)] : []),
    reclaim: async (claims: readonly { worker_id: PeerId; task: string }[]) => {
      for (const { worker_id } of claims) reclaimed(worker_id)
      return claims.map(({ task }) => task)
    },
  }
  return answers as unknown as Ledger
}

/**
 * Decides which peer should make the next replica of a blob, so that `REPLICAS` machines have it. A machine counts when a peer of it is
 * present. Where no other machine can take a replica, another container of the same one does: it survives the loss of the first container
 * only. Pure.
 */
import type { PeerId } from '../../protocol/ids.ts'
import { REPLICAS } from '../../protocol/limits.ts'
import { machineOf, machinesOf } from '../../protocol/machine.ts'

/** A present peer that may be asked for a replica. */
export interface ReplicaCandidate {
  readonly peer: PeerId
  readonly host: string
  /** Whether it may fetch blobs: it is not leaving, and its disk has room. */
  readonly takes: boolean
  /** Order of candidates, the highest number first: peers that need the blob anyway, then peers that stay for long. */
  readonly rank: number
}

/** Whether a blob is on enough machines. `from`: the peers to ask for a replica, best first; `reason`: for the log. */
export type ReplicationDecision =
  | { readonly is: 'enough'; readonly reason: string }
  | { readonly is: 'wanted'; readonly from: readonly PeerId[]; readonly reason: string }

/** Whether a replica is needed, and from whom. `from` is never empty: without a candidate there is enough. */
export function decideReplication(
  holders: readonly PeerId[],
  present: readonly ReplicaCandidate[],
): ReplicationDecision {
  const hosts = heldBy(holders, present)
  const machines = machinesOf(hosts)
  if (machines.size >= REPLICAS) return { is: 'enough', reason: `on ${machines.size} machines` }
  const others = present.filter(({ host, takes }) => takes && !hosts.has(host))
  const elsewhere = others.filter(({ host }) => !machines.has(machineOf(host)))
  const able = elsewhere.length > 0 || hosts.size >= REPLICAS ? elsewhere : others
  if (able.length === 0) return { is: 'enough', reason: 'no other machine can take a replica' }
  const from = able.sort((a, b) => b.rank - a.rank || a.peer.localeCompare(b.peer)).map(({ peer }) => peer)
  return { is: 'wanted', from, reason: `on ${machines.size} of ${REPLICAS} machines` }
}

/** The machines of these holders that are present. */
export function heldBy(
  holders: readonly PeerId[],
  present: readonly Pick<ReplicaCandidate, 'peer' | 'host'>[],
): ReadonlySet<string> {
  return new Set(present.filter(({ peer }) => holders.includes(peer)).map(({ host }) => host))
}

/** Peers that hold all of these blobs. */
export const commonHolders = (blobs: readonly { readonly holders: readonly PeerId[] }[]): readonly PeerId[] =>
  (blobs[0]?.holders ?? []).filter((peer) => blobs.every(({ holders }) => holders.includes(peer)))

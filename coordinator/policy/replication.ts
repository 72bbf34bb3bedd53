/**
 * Pure: who should hold the next copy of some bytes, so that `COPIES` machines have them; one where there is only one. A machine
 * counts by a peer of it that is present: what lies on one that is off helps nobody now. Where no other machine can take a copy,
 * another container of the same one does: it survives the loss of the first, and no more.
 */
import type { PeerId } from '../../protocol/ids.ts'
import { REPLICAS } from '../../protocol/limits.ts'
import { machineOf, machinesOf } from '../../protocol/machine.ts'

/** A peer that is heard and may be asked to keep a copy of a blob. */
export interface ReplicaCandidate {
  readonly peer: PeerId
  readonly host: string
  /** Whether it may take bytes in: not on its way out, and with room. */
  readonly takes: boolean
  /** Asked first where there is a choice: it needs the bytes anyway, or keeps its disk for long. Higher is better. */
  readonly rank: number
}

/** Whether a blob is on enough hosts. `from` lists whom to ask for a copy, best first; `reason` is for the log. */
export type ReplicationDecision =
  | { readonly is: 'enough'; readonly reason: string }
  | { readonly is: 'wanted'; readonly from: readonly PeerId[]; readonly reason: string }

/** `from`: whom to ask, best first. Never empty: with nobody to ask there is enough. */
export function decideReplication(
  holders: readonly PeerId[],
  present: readonly ReplicaCandidate[],
): ReplicationDecision {
  const hosts = heldBy(holders, present)
  const machines = machinesOf(hosts)
  if (machines.size >= REPLICAS) return { is: 'enough', reason: `on ${machines.size} hosts` }
  const others = present.filter(({ host, takes }) => takes && !hosts.has(host))
  const elsewhere = others.filter(({ host }) => !machines.has(machineOf(host)))
  const able = elsewhere.length > 0 || hosts.size >= REPLICAS ? elsewhere : others
  if (able.length === 0) return { is: 'enough', reason: 'no other host can take a copy' }
  const from = able.sort((a, b) => b.rank - a.rank || a.peer.localeCompare(b.peer)).map(({ peer }) => peer)
  return { is: 'wanted', from, reason: `on ${machines.size} of ${REPLICAS} hosts` }
}

/** The hosts on which these bytes lie now. */
export function heldBy(
  holders: readonly PeerId[],
  present: readonly Pick<ReplicaCandidate, 'peer' | 'host'>[],
): ReadonlySet<string> {
  return new Set(present.filter(({ peer }) => holders.includes(peer)).map(({ host }) => host))
}

/** Peers that have all of these. */
export const commonHolders = (blobs: readonly { readonly holders: readonly PeerId[] }[]): readonly PeerId[] =>
  (blobs[0]?.holders ?? []).filter((peer) => blobs.every(({ holders }) => holders.includes(peer)))

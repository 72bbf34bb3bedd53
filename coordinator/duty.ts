/**
 * What a duty is, and what it is given: everything the coordinator has, and the term it acts in. Every write of a duty carries that
 * term; none of them holds state that the ledger does not have.
 */

import type { ScalingRules } from '../fleet/scaling/scaling.ts'
import type { BlobExchange, BlobStore } from '../protocol/blobs.ts'
import type { Capability } from '../protocol/capability.ts'
import type { Clock, Rng } from '../protocol/clock.ts'
import type { Emit } from '../protocol/emitter.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import type { Log } from '../protocol/log.ts'
import type { LossReason } from '../protocol/mesh.ts'
import type { PeerTable } from '../protocol/peer-table.ts'

export interface ScaleOptions extends ScalingRules {
  /** Encodes at once of this very peer. */
  readonly own_slots: number
}

export interface CoordinatorOptions {
  readonly self: PeerId
  /** What people call this peer. */
  readonly name: string
  readonly host: string
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  readonly peers: PeerTable
  /** What this peer encodes; null where it only coordinates. */
  readonly capability: Capability | null
  /** What others say of lost peers, and this node's own stalls; absent where nobody gossips suspicions. */
  readonly suspicions?: SuspicionSource
  /** How many workers engines may run for this mesh; absent where this leader scales nothing. */
  readonly scaling?: ScaleOptions
  connected(): readonly PeerId[]
  mayLead(): Promise<string | null>
  readonly hints: Hints
}

export interface SuspicionSource {
  /** Ms since each who lost a connection to this life of the peer did, this node among them; only while it was not heard since. */
  reportsOf(peer: PeerId): readonly number[]
  /** Why this node itself lost its connection to the peer, where it has not heard it since. */
  sawLost(peer: PeerId): LossReason | null
  /** Ms since this node last stood still; null when it has not. */
  stalledAgoMs(): number | null
}

/** One term's work. `round` is called again and again, `lost` when a connection goes. */
export interface Duty {
  readonly name: string
  round(signal: AbortSignal): Promise<void>
}

/** What a duty is given: the coordinator's options and its term. */
export interface TermContext extends CoordinatorOptions {
  readonly term: number
  /** This leader doubts itself: the lease goes back, and it does not run again for a while. */
  resign(reason: string): void
}

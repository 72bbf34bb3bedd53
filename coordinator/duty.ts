/**
 * What a duty is, and what it may be given. Each duty declares the slice of the context that it uses. Every write of a duty carries its
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
import type { Mesh } from '../protocol/mesh.ts'
import type { PeerTable } from '../protocol/peer-table.ts'
import type { SuspicionSource } from '../protocol/suspicions.ts'

/** The bounds of scaling, and what this peer adds to the capacity itself. */
export interface ScaleOptions extends ScalingRules {
  /** Encodes at once of this very peer. */
  readonly own_slots: number
}

/** What this peer is, were it to lead. */
export interface CoordinatorOptions {
  readonly self: PeerId
  /** What people call this peer. */
  readonly name: string
  /** The machine. */
  readonly host: string
  /** What this peer encodes; null where it only coordinates. */
  readonly capability: Capability | null
  /** How many workers engines may run for this mesh; absent where this leader scales nothing. */
  readonly scaling?: ScaleOptions
}

/** What a coordinator is made from. */
export interface CoordinatorModules {
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  readonly hints: Hints
  readonly peers: PeerTable
  readonly suspicions: SuspicionSource
  readonly mesh: Pick<Mesh, 'peers'>
  /** Says why this peer does not lead now. */
  readonly admission: { mayLead(): Promise<string | null> }
}

/** Everything that any duty uses: a duty's own signature picks from it. */
export interface TermContext
  extends Pick<CoordinatorOptions, 'self' | 'host' | 'capability'>,
    Pick<
      CoordinatorModules,
      'ledger' | 'store' | 'exchange' | 'clock' | 'log' | 'emit' | 'hints' | 'peers' | 'suspicions'
    > {
  readonly term: number
  /** Peers that this leader has a connection to. */
  connected(): readonly PeerId[]
  /** This leader may be cut off, or fails: it gives the lease up, and does not run for it for a while. */
  stepDown(reason: string): void
}

/** One term's work, called again and again, also at every hint. */
export interface Duty {
  readonly name: string
  round(signal: AbortSignal): Promise<void>
}

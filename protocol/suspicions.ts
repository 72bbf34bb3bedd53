/** What this peer knows of peers that may have failed: which connections it and others lost, and what refutes that. Hints, never truth. */
import type { PeerId } from './ids.ts'
import type { LossReason } from './mesh.ts'

/** Handlers must be quick and never throw. */
export interface SuspicionEvents {
  /** This peer lost its last connection to the other one; what it knows of that is recorded by then. */
  onLost?(peer: PeerId, why: LossReason): void
  /** Something else changed about the peer: another one reported it lost, it was heard, or this peer is connected to it again. */
  onChange?(peer: PeerId): void
}

/** Answers and events about every peer that this one has met or heard of. None of it rejects or throws. */
export interface SuspicionSource {
  /** Ms since each who lost a connection to this process of the peer did, this peer among them; only while it was not heard since. */
  reportsOf(peer: PeerId): readonly number[]
  /** Why this peer itself lost its connection to the other one, where it has not heard it since; else null. */
  sawLost(peer: PeerId): LossReason | null
  /** Ms since the event loop of this process last stalled; null when it has not. */
  stalledAgoMs(): number | null
  /** The answer unsubscribes. */
  listen(events: SuspicionEvents): () => void
}

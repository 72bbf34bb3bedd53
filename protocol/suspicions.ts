/** What this peer knows of peers that may have failed: lost connections, its own and those that others report, and what refutes them. */
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
  /** Ms since each observer (this peer included) lost its connection to the present process of `peer`; none once the peer was heard again. */
  reportsOf(peer: PeerId): readonly number[]
  /** Why this peer itself lost its connection to the other one, where it has not heard it since; else null. */
  sawLost(peer: PeerId): LossReason | null
  /** Ms since the event loop of this process last stalled; null when it has not. */
  stalledAgoMs(): number | null
  /** The answer unsubscribes. */
  listen(events: SuspicionEvents): () => void
}

/** Signs that a peer may have failed: lost connections, those of this peer and those that others report, until a heartbeat refutes them. */
import type { PeerId } from './ids.ts'
import type { LossReason } from './mesh.ts'

/** Events about suspected peers. Handlers must be quick and never throw. */
export interface SuspicionEvents {
  /** Called when this peer lost its last connection to the other one; `sawLost` answers it already. */
  onLost?(peer: PeerId, why: LossReason): void
  /** Called when another peer reported it lost, a heartbeat of it came, or this peer is connected to it again. */
  onChange?(peer: PeerId): void
}

/** The suspicions about every known peer, and events about them. No method throws. */
export interface SuspicionSource {
  /** Ms since each observer (this peer included) lost its connection to the present process of `peer`; none once the peer was heard again. */
  reportsOf(peer: PeerId): readonly number[]
  /** Why this peer itself lost its connection to the other one, where it has not heard it since; else null. */
  sawLost(peer: PeerId): LossReason | null
  /** Ms since the event loop of this process last stalled; null when it has not. */
  stalledAgoMs(): number | null
  /** Calls the handlers for every event from now on. The returned function unsubscribes. */
  listen(events: SuspicionEvents): () => void
}

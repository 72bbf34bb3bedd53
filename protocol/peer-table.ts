/** What this peer has heard of the others: the last accepted heartbeat of each. Hints, never truth. */
import type { Heartbeat } from './heartbeat.ts'
import type { PeerId } from './ids.ts'

export interface HeardPeer {
  readonly peer: PeerId
  readonly beat: Heartbeat
  /** By this peer's own monotonic clock, ms. */
  readonly heard_mono: number
}

export interface PeerTable {
  get(peer: PeerId): HeardPeer | undefined
  /** Peers heard of, in no order. */
  all(): readonly HeardPeer[]
}

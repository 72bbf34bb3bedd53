/** The last accepted heartbeat of every other peer. It may be out of date: the ledger decides. */
import type { Clock } from './clock.ts'
import { type Heartbeat, heartbeatIntervalMs } from './heartbeat.ts'
import type { PeerId } from './ids.ts'
import { PRESENT_ASKED_MAX, PRESENT_BEATS, PRESENT_MS } from './limits.ts'
import type { LossReason } from './mesh.ts'

/** A peer with its last accepted heartbeat. */
export interface HeardPeer {
  readonly peer: PeerId
  readonly beat: Heartbeat
  /** When it was heard, by this peer's own monotonic clock, ms. */
  readonly heard_mono: number
}

/** The peers heard of, in the memory of this process. */
export interface PeerTable {
  get(peer: PeerId): HeardPeer | undefined
  /** Peers heard of, in no order. */
  all(): readonly HeardPeer[]
}

/** Whether a peer in this state takes tasks. */
export const takesWork = ({ state }: Pick<Heartbeat, 'state'>): boolean =>
  state === 'idle' || state === 'working' || state === 'waiting'

/** Whether the peer has announced its end and runs no attempt any more. Until then its silence counts as a failure. */
export const hasLeft = (heard: Pick<HeardPeer, 'beat'> | undefined): boolean =>
  heard?.beat.state === 'leaving' && heard.beat.running.length + (heard.beat.unlisted ?? 0) === 0

/** The present peers: heard lately (`mono`: now, ms) and not leaving. The table itself also remembers failed ones, to refuse replays. */
export function presentPeers(table: Pick<PeerTable, 'all'>, mono: number): HeardPeer[] {
  const heard = table.all()
  const timeoutMs = Math.max(PRESENT_MS, PRESENT_BEATS * heartbeatIntervalMs(heard.length + 1))
  return heard.filter(({ beat, heard_mono }) => beat.state !== 'leaving' && mono - heard_mono < timeoutMs)
}

/** Number of present peers, this one included. `mono`: now, ms. */
export const meshSize = (table: Pick<PeerTable, 'all'>, mono: number): number => presentPeers(table, mono).length + 1

/** What presence is computed from: this peer, the heartbeats that it has heard, and its clock. */
export interface Presence {
  readonly self: PeerId
  readonly peers: Pick<PeerTable, 'all'>
  readonly clock: Pick<Clock, 'mono'>
}

/** Whether `peer` is this peer itself or a present one. */
export const isPresent = ({ self, peers, clock }: Presence, peer: PeerId): boolean =>
  peer === self || presentPeers(peers, clock.mono()).some((heard) => heard.peer === peer)

/** What reachability is computed from: presence, the connections of this peer, and the peers to which it lost its connection. */
export interface Reach extends Presence {
  connected(): readonly PeerId[]
  /** Why this peer lost its connection to the other one, where it has not heard it since; else null. */
  sawLost(peer: PeerId): LossReason | null
}

/**
 * The peers from which a blob can be had now: this one, the connected ones (also where gossip is lost), and present ones to which no connection
 * was lost. At most `PRESENT_ASKED_MAX`, this one first.
 */
export function reachablePeers({ self, peers, clock, connected, sawLost }: Reach): PeerId[] {
  const heard = presentPeers(peers, clock.mono()).filter(({ peer }) => sawLost(peer) === null)
  return [...new Set([self, ...connected(), ...heard.map(({ peer }) => peer)])].slice(0, PRESENT_ASKED_MAX)
}

/** What this peer has heard of the others: the last accepted heartbeat of each. Hints, never truth. */
import { type Heartbeat, heartbeatIntervalMs } from './heartbeat.ts'
import type { PeerId } from './ids.ts'
import { PRESENT_BEATS, PRESENT_MS } from './limits.ts'

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

/** Whether its slots are to be counted on. */
export const takesWork = ({ state }: Pick<Heartbeat, 'state'>): boolean => state === 'idle' || state === 'working'

/** Whether it said that it goes and holds nothing any more. Until then one that ends what it runs is lost as others are. */
export const hasLeft = (heard: Pick<HeardPeer, 'beat'> | undefined): boolean =>
  heard?.beat.state === 'leaving' && heard.beat.running.length + (heard.beat.unlisted ?? 0) === 0

/** Those to count on now: heard lately, and not leaving. The table itself remembers the dead, too, to refuse replays. */
export function presentPeers(table: Pick<PeerTable, 'all'>, mono: number): HeardPeer[] {
  const heard = table.all()
  const timeoutMs = Math.max(PRESENT_MS, PRESENT_BEATS * heartbeatIntervalMs(heard.length + 1))
  return heard.filter(({ beat, heard_mono }) => beat.state !== 'leaving' && mono - heard_mono < timeoutMs)
}

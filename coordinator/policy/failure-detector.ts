/**
 * Decides whether a peer's claims are reclaimed. The strongest evidence is a connection that closed or whose alive stream fell silent.
 * Where several observers lost theirs (SWIM, Das et al. 2002), and the peer had time to refute and was not heard, it has failed: a stall
 * of one observer cannot look like that. Silence of heartbeats alone is weak evidence and has to last long: gossip can lose several in a
 * row, and in a large mesh not all peers are connected. An observer whose event loop stalled counts only what others saw; one that hears
 * far fewer peers than it should suspects that it is cut off itself (Lifeguard, arXiv 1707.00788).
 *
 * A wrong verdict costs one repeated chunk, never a wrong output: attempts are fenced. `npm run sim:detector` measures the rules.
 */
import { heartbeatIntervalMs } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { REFUTE_MS, SILENCE_MS, TOGETHER_MS, UNCONFIRMED_MS } from '../../protocol/limits.ts'

/** What an observer knows about one peer. Times are ms by the observer's own monotonic clock. */
export interface PeerEvidence {
  readonly peer: PeerId
  readonly isConnected: boolean
  /** This observer lost its connection to the present process of the peer, and has not heard it since. */
  readonly wasLost: boolean
  /** Ms since its last heartbeat; null without any. */
  readonly heardAgoMs: number | null
  /** Ms since each observer (this one included) lost its connection to the peer; without those whose reports it has refuted. */
  readonly reports: readonly number[]
  /** Its last heartbeat said that it leaves and runs no attempt any more. */
  readonly hasLeft: boolean
}

/** Whether one observer suspects a peer, and why, for people. */
export interface Verdict {
  readonly isSuspect: boolean
  readonly reason: string
}

/** Silence of heartbeats (ms) that is published as a suspicion, so that the peer may refute it: 2.5 s, or 2.5 intervals if longer. */
export const heartbeatDeadlineMs = (peers: number): number => Math.max(SILENCE_MS, 2.5 * heartbeatIntervalMs(peers))
/** Silence (ms) after which a peer without a lost connection is suspected: at 30 % loss, 10 heartbeats in a row are lost once in 170,000. */
export const heartbeatGoneMs = (peers: number): number => 4 * heartbeatDeadlineMs(peers)

/** Three observers lost it in one moment, as after a death, and it had time to refute. */
const BURST = { reporters: 3, forMs: REFUTE_MS } as const
/** Two observers lost it, and it has not refuted for longer. */
const SUSTAINED = { reporters: 2, forMs: UNCONFIRMED_MS } as const

const arePersistent = (
  reports: readonly number[],
  { reporters, forMs }: { reporters: number; forMs: number },
): boolean => reports.filter((agoMs) => agoMs >= forMs).length >= reporters

/**
 * Whether enough observers lost a peer within `TOGETHER_MS` to suspect it at once: three, or all where there are fewer, at least two.
 * `observers`: number of peers that could have seen it, this one included.
 */
export function isConfirmed(reports: readonly number[], { observers }: { observers: number }): boolean {
  const together = reports.filter((agoMs) => agoMs <= TOGETHER_MS).length
  return together >= Math.max(2, Math.min(BURST.reporters, observers))
}

/** What the observer knows about itself. */
export interface Observer {
  /** Number of peers in the mesh, this one included. */
  readonly peers: number
  /** Its event loop stalled lately: reports of others count, silence does not. */
  readonly hasStalled: boolean
}

/** Whether one observer suspects one peer, by all its evidence. Pure. */
export function assessPeer(evidence: PeerEvidence, { peers, hasStalled }: Observer): Verdict {
  const { isConnected, wasLost, heardAgoMs, reports, hasLeft } = evidence
  const alive = (reason: string): Verdict => ({ isSuspect: false, reason })
  const suspect = (reason: string): Verdict => ({ isSuspect: true, reason })
  if (hasLeft && !isConnected) return suspect('it left')
  if (!isConnected && (arePersistent(reports, BURST) || arePersistent(reports, SUSTAINED)))
    return suspect(`${reports.length} peers lost their connection to it`)
  if (hasStalled) return alive('the event loop of this node stalled')
  if (heardAgoMs === null) return isConnected ? alive('connected, not heard yet') : suspect('it is not in the mesh')
  const timeoutMs = wasLost && !isConnected ? heartbeatDeadlineMs(peers) : heartbeatGoneMs(peers)
  if (heardAgoMs < timeoutMs) return alive('heard recently')
  return suspect(`no heartbeat for ${(heardAgoMs / 1000).toFixed(1)} s`)
}

/** Evidence about whether this node's peers died, or it is cut off itself. */
export interface PartitionEvidence {
  /** Number of other peers heard within `A_MINUTE_MS` whose connection did not close. */
  readonly heardInAMinute: number
  /** Number of those that were heard within `JUST_NOW_MS`. */
  readonly heardJustNow: number
  /** Number of peers in the mesh, this one included. */
  readonly peers: number
}

/** One and a half heartbeat intervals of a small mesh. In a large one only a share of the peers sends within it. */
export const JUST_NOW_MS = 1_500
/** Silence after which a peer is no longer expected to be heard. */
export const A_MINUTE_MS = 60_000

/** Why this observer is probably cut off, so that it must not suspect others now; null where it is not. For people. */
export function detectOwnPartition({ heardInAMinute, heardJustNow, peers }: PartitionEvidence): string | null {
  const share = Math.min(1, JUST_NOW_MS / Math.min(heartbeatIntervalMs(peers), A_MINUTE_MS))
  const expected = heardInAMinute * share
  // Where only a share sends within that time, the number varies by chance.
  const least = share === 1 ? expected / 2 : expected / 4
  if (heardInAMinute >= 3 && heardJustNow < least) {
    return `heard ${heardJustNow} of about ${Math.round(expected)} expected peers in the last ${JUST_NOW_MS / 1_000} s: this node is probably partitioned from the mesh`
  }
  return null
}

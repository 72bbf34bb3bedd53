/**
 * Whether a peer's claims should be reclaimed. Something seen counts most: an observer's own connection that closed
 * or fell silent. Several observers of that, this one among them, are no stall of one of them (SWIM, Das et al. 2002), where the
 * peer was not heard since and had time to refute. Silence of heartbeats alone says little: while the alive stream of a peer beats,
 * or in a mesh so large that nobody is connected to everybody, it has to last long. An observer that stalled goes by what others saw; one
 * that hears far less of the whole mesh than it should suspects itself first (Lifeguard, arXiv 1707.00788).
 *
 * A wrong verdict costs one repeated chunk, never a wrong output: attempts are fenced. `npm run sim:detector` measures the rules.
 */
import { heartbeatIntervalMs } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { REFUTE_MS, SILENCE_MS, TOGETHER_MS, UNCONFIRMED_MS } from '../../protocol/limits.ts'

/** What an observer knows of one peer. Times are ms by the observer's own monotonic clock. */
export interface PeerEvidence {
  readonly peer: PeerId
  readonly isConnected: boolean
  /** This observer had a connection to it and lost it, in this life of it, and has not heard it since. */
  readonly wasLost: boolean
  /** Since its last heartbeat; null when none was ever heard. */
  readonly heardAgoMs: number | null
  /** Ms since observers, this one among them, saw their connection to it close or fall silent; only those it has not refuted. */
  readonly reports: readonly number[]
  /** It said that it leaves, and ran nothing any more: its claims are released. */
  readonly hasLeft: boolean
}

/** Whether one observer holds a peer for gone, and why, for people. */
export interface Verdict {
  readonly isSuspect: boolean
  readonly reason: string
}

/** Silence of heartbeats that is told to the mesh, so that the peer may refute it: 2.5 s, or 2.5 intervals where those are longer. */
export const heartbeatDeadlineMs = (peers: number): number => Math.max(SILENCE_MS, 2.5 * heartbeatIntervalMs(peers))
/** Silence that is believed of a peer that was not seen to go: of 10 beats in a row none arrives once in 170,000 at 30 % loss. */
export const heartbeatGoneMs = (peers: number): number => 4 * heartbeatDeadlineMs(peers)

/** Three who lost it in one moment, as a death looks, with time for it to refute them … */
const BURST = { reporters: 3, forMs: REFUTE_MS } as const
/** … or two whose reports it does not refute for long. */
const SUSTAINED = { reporters: 2, forMs: UNCONFIRMED_MS } as const

const arePersistent = (
  reports: readonly number[],
  { reporters, forMs }: { reporters: number; forMs: number },
): boolean => reports.filter((agoMs) => agoMs >= forMs).length >= reporters

/** Whether others saw a loss that this observer saw just now, so that nothing need be waited for: three, or both where there are two. */
export function isConfirmed(reports: readonly number[], { observers }: { observers: number }): boolean {
  const together = reports.filter((agoMs) => agoMs <= TOGETHER_MS).length
  return together >= Math.max(2, Math.min(BURST.reporters, observers))
}

/** What the observer knows of itself. `peers` counts the mesh, this node included. */
export interface Observer {
  readonly peers: number
  /** It stood still itself a moment ago: what others saw counts, silence does not. */
  readonly hasStalled: boolean
}

/** What one observer holds of one peer, from all that it knows of it. Pure. */
export function assessPeer(evidence: PeerEvidence, { peers, hasStalled }: Observer): Verdict {
  const { isConnected, wasLost, heardAgoMs, reports, hasLeft } = evidence
  const alive = (reason: string): Verdict => ({ isSuspect: false, reason })
  const suspect = (reason: string): Verdict => ({ isSuspect: true, reason })
  if (hasLeft && !isConnected) return suspect('it left')
  if (!isConnected && (arePersistent(reports, BURST) || arePersistent(reports, SUSTAINED)))
    return suspect(`${reports.length} peers lost their connection to it`)
  if (hasStalled) return alive('this node itself stalled')
  if (heardAgoMs === null) return isConnected ? alive('connected, not heard yet') : suspect('it is not in the mesh')
  const timeoutMs = wasLost && !isConnected ? heartbeatDeadlineMs(peers) : heartbeatGoneMs(peers)
  if (heardAgoMs < timeoutMs) return alive('heard lately')
  return suspect(`no heartbeat for ${(heardAgoMs / 1000).toFixed(1)} s`)
}

/** What distinguishes a node whose peers died from a node that is cut off itself. Counts of peers. */
export interface PartitionEvidence {
  /** Other peers heard within the last minute whose connection did not close. */
  readonly heardInAMinute: number
  /** Of those, heard within `JUST_NOW_MS`. */
  readonly heardJustNow: number
  readonly peers: number
}

/** One and a half heartbeats of a small mesh; a large one sends as many a second. */
export const JUST_NOW_MS = 1_500
/** Peers that were silent for longer no longer count as the mesh. */
export const A_MINUTE_MS = 60_000

/** Why this observer should suspect nobody now, or null. */
export function detectOwnPartition({ heardInAMinute, heardJustNow, peers }: PartitionEvidence): string | null {
  const share = Math.min(1, JUST_NOW_MS / Math.min(heartbeatIntervalMs(peers), A_MINUTE_MS))
  const expected = heardInAMinute * share
  // Where not everybody beats in that time, chance makes it fewer now and then.
  const least = share === 1 ? expected / 2 : expected / 4
  if (heardInAMinute >= 3 && heardJustNow < least) {
    return `heard ${heardJustNow} of about ${Math.round(expected)} peers just now: it is more likely this node that is cut off`
  }
  return null
}

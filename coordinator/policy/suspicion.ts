/**
 * Whether a peer's claims should be taken back (DESIGN §7). An observer's own connection counts most; gossiped suspicions
 * of two others count as much (SWIM, Das et al. 2002), because a connection that closed or went silent for two independent
 * observers is no stall of one of them; silence of heartbeats needs no connection at all. A judge that stalled, or that
 * suspects most of the mesh by silence, doubts itself first (Lifeguard, arXiv 1707.00788).
 *
 * A wrong verdict costs one repeated chunk, never a wrong output: attempts are fenced.
 */
import { heartbeatIntervalMs } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { SILENCE_MS, STALL_GRACE_MS } from '../../protocol/limits.ts'

/** What a judge knows of one peer. Times are ms by the judge's own monotonic clock. */
export interface PeerEvidence {
  readonly peer: PeerId
  readonly isConnected: boolean
  /** Since its last heartbeat; null when none was ever heard. */
  readonly heardAgoMs: number | null
  /** Others who saw its connection close or go silent, in this life of it, lately. */
  readonly reporters: number
  /** It said that it leaves: its claims are released. */
  readonly hasLeft: boolean
}

export interface Verdict {
  readonly isSuspect: boolean
  readonly reason: string
  /** By silence, or by something seen: a closed connection, two reporters. */
  readonly bySilence: boolean
}

/** Silence that makes a peer suspect: 2.5 s, or 2.5 intervals where those are longer. */
export const heartbeatDeadlineMs = (peers: number): number => Math.max(SILENCE_MS, 2.5 * heartbeatIntervalMs(peers))

const REPORTERS_NEEDED = 2

export function judgePeer(evidence: PeerEvidence, { peers }: { peers: number }): Verdict {
  const { isConnected, heardAgoMs, reporters, hasLeft } = evidence
  const alive = (reason: string): Verdict => ({ isSuspect: false, reason, bySilence: false })
  if (hasLeft && !isConnected) return { isSuspect: true, reason: 'left', bySilence: false }
  const isSilent = heardAgoMs === null || heardAgoMs >= heartbeatDeadlineMs(peers)
  if (!isSilent) return alive('heard lately')
  if (reporters >= REPORTERS_NEEDED) return { isSuspect: true, reason: `${reporters} peers lost it`, bySilence: false }
  if (heardAgoMs === null) {
    return isConnected
      ? alive('connected, not heard yet')
      : { isSuspect: true, reason: 'is not in the mesh', bySilence: true }
  }
  return { isSuspect: true, reason: `no heartbeat for ${(heardAgoMs / 1000).toFixed(1)} s`, bySilence: true }
}

export interface SelfDoubt {
  /** Ms since the judge's own event loop last stalled; null when it never did. */
  readonly stalledAgoMs: number | null
  /** Other peers heard within the last minute. */
  readonly heardInAMinute: number
  /** Of those, suspected by silence now. */
  readonly suspectedBySilence: number
}

/** Why this judge should judge nobody now, or null. */
export function doubtSelf({ stalledAgoMs, heardInAMinute, suspectedBySilence }: SelfDoubt): string | null {
  if (stalledAgoMs !== null && stalledAgoMs < STALL_GRACE_MS)
    return `this node itself stalled ${(stalledAgoMs / 1000).toFixed(1)} s ago`
  if (heardInAMinute >= 3 && suspectedBySilence * 2 > heardInAMinute) {
    return `${suspectedBySilence} of ${heardInAMinute} peers fell silent at once: it is more likely this node that is cut off`
  }
  return null
}

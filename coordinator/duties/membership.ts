/**
 * Takes back what vanished peers hold: when this leader's own connection to them closes or goes silent, as soon as another has seen
 * the same or the peer had time to refute it; and by judgement (policy/suspicion) where others saw it or heartbeats stopped. A
 * leader that doubts itself judges nobody, and after a while leaves the leading to others.
 *
 * A wrong reclaim costs one repeated chunk, never a wrong output: attempts are fenced, and only claims whose token and expiry are
 * those read when the suspicion began end; where others saw the connection close too, also the claim that was on its way then. What
 * a suspect claims or renews since shows that it reaches the ledger, and runs out by itself or not at all: a worker that only this
 * leader cannot hear goes on. It is heard or connected again before a new suspicion begins.
 */
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { SeenClaim } from '../../protocol/ledger.ts'
import { PEERS_REMEMBERED, SILENCE_MS, STALL_GRACE_MS, UNCONFIRMED_MS } from '../../protocol/limits.ts'
import type { LossReason } from '../../protocol/mesh.ts'
import { hasLeft, presentPeers } from '../../protocol/peer-table.ts'
import type { Duty, TermContext } from '../duty.ts'
import {
  A_MINUTE_MS,
  doubtSelf,
  heartbeatDeadlineMs,
  isConfirmed,
  JUST_NOW_MS,
  judgePeer,
  type Verdict,
} from '../policy/suspicion.ts'

/** How long a new leader, and a leader that has never heard of a worker, waits before it believes that it is gone. */
const ABSENT_MS = 2 * SILENCE_MS
/** Self-doubt that lasts this long ends the term. */
const RESIGN_AFTER_MS = 10_000
/** Between looks whether another has seen the same loss. */
const LOOK_MS = 25
/** A claim that a worker sent and died over has reached the ledger by then; a restart takes longer. */
const LANDED_MS = 100

export interface Membership extends Duty {
  lost(peer: PeerId, why: LossReason, signal: AbortSignal): Promise<void>
}

interface Suspected {
  /** By the monotonic clock. */
  readonly since: number
  /** What it held then; none once that was taken back. */
  claims: readonly SeenClaim[]
}

export function createMembership(context: TermContext): Membership {
  const { ledger, clock, log, term, self } = context
  const since = clock.mono()
  let doubtingSince: number | null = null
  /** Holders of claims that are not in the mesh, since when: a worker may claim before anyone has met it. */
  const missedSince = new Map<PeerId, number>()
  const suspected = new Map<PeerId, Suspected>()

  const isGoodbye = (peer: PeerId): boolean => hasLeft(context.peers.get(peer))
  const hasLost = (peer: PeerId): boolean => (context.suspicions?.sawLost(peer) ?? null) !== null
  const meshSize = (): number => presentPeers(context.peers, clock.mono()).length + 1
  const silentMs = (heard: { heard_mono: number }): number => clock.mono() - heard.heard_mono
  const isHeardSince = (peer: PeerId, at: number): boolean => (context.peers.get(peer)?.heard_mono ?? 0) > at

  function judge(peer: PeerId, connected: ReadonlySet<PeerId>): Verdict {
    const heard = context.peers.get(peer)
    return judgePeer(
      {
        peer,
        isConnected: connected.has(peer),
        wasLost: hasLost(peer),
        heardAgoMs: heard ? silentMs(heard) : null,
        reports: context.suspicions?.reportsOf(peer) ?? [],
        hasLeft: isGoodbye(peer),
      },
      { peers: meshSize(), hasStalled: (context.suspicions?.stalledAgoMs() ?? STALL_GRACE_MS) < STALL_GRACE_MS },
    )
  }

  /** A worker may claim before anyone has met it, and in a large mesh heartbeats are far between. */
  function hasBeenMissed(peer: PeerId): boolean {
    const first = missedSince.get(peer) ?? clock.mono()
    missedSince.set(peer, first)
    return clock.mono() - first >= Math.max(ABSENT_MS, heartbeatDeadlineMs(meshSize()))
  }

  /** Why nobody is to be judged now. Told once; after a while the lease is given back. */
  function isDoubting(): boolean {
    const lately = context.peers
      .all()
      .filter(
        (heard) =>
          silentMs(heard) < A_MINUTE_MS && !hasLeft(heard) && context.suspicions?.sawLost(heard.peer) !== 'closed',
      )
    const reason = doubtSelf({
      heardInAMinute: lately.length,
      heardJustNow: lately.filter((heard) => silentMs(heard) < JUST_NOW_MS).length,
      peers: meshSize(),
    })
    if (reason === null) doubtingSince = null
    else if (doubtingSince === null) {
      doubtingSince = clock.mono()
      log.warn('this leader doubts itself and judges nobody', { reason })
    } else if (clock.mono() - doubtingSince >= RESIGN_AFTER_MS) context.resign(reason)
    return reason !== null
  }

  const isBack = (peer: PeerId, lostAt: number): boolean =>
    isHeardSince(peer, lostAt) || context.connected().includes(peer)
  const haveOthersSeen = (peer: PeerId): boolean =>
    isConfirmed(context.suspicions?.reportsOf(peer) ?? [], { observers: context.connected().length + 1 })

  /** Whether a connection that this leader lost means that its peer is gone: others saw it too, or the peer stays away. */
  async function isGone(peer: PeerId, lostAt: number, signal: AbortSignal): Promise<boolean> {
    while (!isBack(peer, lostAt) && clock.mono() - lostAt < UNCONFIRMED_MS) {
      if (haveOthersSeen(peer)) return !isDoubting()
      await clock.sleep(LOOK_MS, signal)
    }
    // After a long stall of its own the others closed, and nothing was seen.
    return !isBack(peer, lostAt) && context.suspicions?.sawLost(peer) !== null && !isDoubting()
  }

  /** What a process that died, as others saw too, had on its way to the ledger. */
  async function claimsLanded(peer: PeerId, { since, claims }: Suspected, signal: AbortSignal): Promise<SeenClaim[]> {
    await clock.sleep(LANDED_MS, signal)
    if (isBack(peer, since) || !haveOthersSeen(peer) || isDoubting()) return []
    const isKnown = ({ task, attempt }: SeenClaim) =>
      claims.some((known) => known.task === task && known.attempt === attempt)
    return (await ledger.claimsOf(peer)).filter((claim) => !isKnown(claim))
  }

  async function beginSuspicion(peer: PeerId): Promise<Suspected> {
    const since = clock.mono()
    // A reading that fails is made by the next round: what an older suspicion read says nothing of this one.
    suspected.delete(peer)
    const begun: Suspected = { since, claims: await ledger.claimsOf(peer) }
    const [oldest] = suspected.keys()
    if (suspected.size >= PEERS_REMEMBERED && oldest !== undefined) suspected.delete(oldest)
    suspected.set(peer, begun)
    return begun
  }

  /** The suspicion that stands, or a new one where the peer was heard since. */
  async function suspicionOf(peer: PeerId): Promise<Suspected> {
    const begun = suspected.get(peer)
    return begun && !isHeardSince(peer, begun.since) ? begun : beginSuspicion(peer)
  }

  async function takeBack(
    peer: PeerId,
    begun: Suspected,
    { reason, strike }: { reason: string; strike: 'peer_died' | null },
  ): Promise<void> {
    if (begun.claims.length === 0) return
    const tasks = await ledger.reclaim(begun.claims, { term, strike })
    begun.claims = []
    if (tasks.length === 0) return
    const name = context.peers.get(peer)?.beat.name || peer
    context.hints.publish({ what: 'tasks', video: null })
    await context.emit({ code: 'reclaimed', peer, name, tasks: tasks.length, reason })
  }

  return {
    name: 'membership',
    async lost(peer, why, signal) {
      const reason = isGoodbye(peer) ? 'it left' : why === 'closed' ? 'its connection closed' : 'it went silent'
      const strike = why === 'closed' && !isGoodbye(peer) ? 'peer_died' : null
      try {
        const begun = await beginSuspicion(peer)
        const { since, claims } = begun
        if (!isGoodbye(peer) && !(await isGone(peer, since, signal))) return
        await takeBack(peer, begun, { reason, strike })
        if (strike === null) return
        begun.claims = await claimsLanded(peer, { since, claims }, signal)
        await takeBack(peer, begun, { reason, strike })
      } catch (error) {
        // The claims still expire, and the next rounds look for absent holders.
        if (!signal.aborted) log.warn('a reclaim failed', { peer, error: sentence(error) })
      }
    },
    async round() {
      const connected = new Set(context.connected())
      if (isDoubting()) return
      const isNew = clock.mono() - since < ABSENT_MS
      const running = await ledger.tasks({ statuses: ['PROCESSING'] })
      const holders = new Set(running.flatMap((task) => task.claims.map((claim) => claim.worker_id)))
      holders.delete(self)
      for (const peer of missedSince.keys()) if (!holders.has(peer)) missedSince.delete(peer)
      for (const peer of holders) {
        // A new leader waits for those whom it has not met; whom it lost itself, as the leader before it, it need not wait for.
        if (isNew && !hasLost(peer)) continue
        const verdict = judge(peer, connected)
        if (!verdict.isSuspect) {
          missedSince.delete(peer)
          if (connected.has(peer)) suspected.delete(peer)
          continue
        }
        const begun = await suspicionOf(peer)
        if (context.peers.get(peer) || hasBeenMissed(peer))
          await takeBack(peer, begun, { reason: verdict.reason, strike: null })
      }
    },
  }
}

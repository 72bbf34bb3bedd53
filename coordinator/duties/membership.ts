/**
 * Takes back what vanished peers hold: when this leader's own connection to them closes or goes silent, as soon as another has seen
 * the same or the peer had time to refute it; and by judgement (policy/suspicion) where others saw it or heartbeats stopped. A
 * leader that doubts itself judges nobody, and after a while leaves the leading to others.
 *
 * A wrong reclaim costs one repeated chunk, never a wrong output: attempts are fenced, and only claims whose token and
 * expiry are those read here end.
 */
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { SILENCE_MS, STALL_GRACE_MS, UNCONFIRMED_MS } from '../../protocol/limits.ts'
import type { LossReason } from '../../protocol/mesh.ts'
import { presentPeers } from '../../protocol/peer-table.ts'
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

export interface Membership extends Duty {
  lost(peer: PeerId, why: LossReason, signal: AbortSignal): Promise<void>
}

export function createMembership(context: TermContext): Membership {
  const { ledger, clock, log, term, self } = context
  const since = clock.mono()
  let doubtingSince: number | null = null
  /** Holders of claims that are not in the mesh, since when: a worker may claim before anyone has met it. */
  const missedSince = new Map<PeerId, number>()

  const hasLeft = (peer: PeerId): boolean => context.peers.get(peer)?.beat.state === 'leaving'
  const hasLost = (peer: PeerId): boolean => (context.suspicions?.sawLost(peer) ?? null) !== null
  const meshSize = (): number => presentPeers(context.peers, clock.mono()).length + 1
  const silentMs = (heard: { heard_mono: number }): number => clock.mono() - heard.heard_mono

  function judge(peer: PeerId, connected: ReadonlySet<PeerId>): Verdict {
    const heard = context.peers.get(peer)
    return judgePeer(
      {
        peer,
        isConnected: connected.has(peer),
        wasLost: hasLost(peer),
        heardAgoMs: heard ? silentMs(heard) : null,
        reports: context.suspicions?.reportsOf(peer) ?? [],
        hasLeft: hasLeft(peer),
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
          silentMs(heard) < A_MINUTE_MS && !hasLeft(heard.peer) && context.suspicions?.sawLost(heard.peer) !== 'closed',
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

  /** Whether a connection that this leader lost means that its peer is gone: others saw it too, or the peer stays away. */
  async function isGone(peer: PeerId, signal: AbortSignal): Promise<boolean> {
    const lostAt = clock.mono()
    const isBack = (): boolean =>
      (context.peers.get(peer)?.heard_mono ?? 0) > lostAt || context.connected().includes(peer)
    while (!isBack() && clock.mono() - lostAt < UNCONFIRMED_MS) {
      const observers = context.connected().length + 1
      if (isConfirmed(context.suspicions?.reportsOf(peer) ?? [], { observers })) return !isDoubting()
      await clock.sleep(LOOK_MS, signal)
    }
    // After a long stall of its own the others closed, and nothing was seen.
    return !isBack() && context.suspicions?.sawLost(peer) !== null && !isDoubting()
  }

  async function takeBack(peer: PeerId, why: string, strike: 'peer_died' | null): Promise<void> {
    const claims = await ledger.claimsOf(peer)
    if (claims.length === 0) return
    const tasks = await ledger.reclaim(claims, { term, strike })
    if (tasks.length === 0) return
    const name = context.peers.get(peer)?.beat.name || peer
    log.info('reclaimed', { peer, why, tasks: tasks.length })
    context.hint({ what: 'tasks', video: null })
    const text = `${name} ${why}: ${tasks.length} task${tasks.length > 1 ? 's' : ''} taken back`
    await ledger.addEvent({ what: 'reclaimed', peer, video: null, text })
  }

  return {
    name: 'membership',
    async lost(peer, why, signal) {
      const words = hasLeft(peer) ? 'left' : why === 'closed' ? 'was lost (its connection closed)' : 'went silent'
      const strike = why === 'closed' && !hasLeft(peer) ? 'peer_died' : null
      try {
        if (hasLeft(peer) || (await isGone(peer, signal))) await takeBack(peer, words, strike)
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
        if (!verdict.isSuspect) missedSince.delete(peer)
        else if (context.peers.get(peer) || hasBeenMissed(peer)) await takeBack(peer, verdict.reason, null)
      }
    },
  }
}

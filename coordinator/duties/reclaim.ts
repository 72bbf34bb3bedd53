/**
 * Reclaims what vanished peers hold: when this leader's own connection to them closes or goes silent, as soon as another has seen
 * the same or the peer had time to refute it; and by `policy/failure-detector.ts` where others saw it or heartbeats stopped. A
 * leader that may be partitioned itself suspects nobody, and after a while steps down.
 *
 * A wrong reclaim costs one repeated chunk, never a wrong output: attempts are fenced, and only claims whose token and expiry are
 * those read when the suspicion began end (`suspected-claims.ts`); where others saw the connection close too, also the claim that was on
 * its way then. What a suspect claims or renews since expires by itself or not at all: a worker that only this leader cannot hear goes on.
 */

import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { ObservedClaim } from '../../protocol/ledger.ts'
import { SILENCE_MS, STALL_GRACE_MS, UNCONFIRMED_MS } from '../../protocol/limits.ts'
import type { LossReason } from '../../protocol/mesh.ts'
import { createNotifier } from '../../protocol/notifier.ts'
import { hasLeft, meshSize } from '../../protocol/peer-table.ts'
import type { Duty, TermContext } from '../duty.ts'
import { assessPeer, heartbeatDeadlineMs, isConfirmed, type Verdict } from '../policy/failure-detector.ts'
import { createPartitionGuard, type PartitionGuard } from './partition-guard.ts'
import { createSuspectedClaims, type Suspected, type SuspectedClaims } from './suspected-claims.ts'

/** How long a new leader, and a leader that has never heard of a worker, waits before it believes that it is gone. */
const ABSENT_MS = 2 * SILENCE_MS
/** A claim that a worker sent and died over has reached the ledger by then; a restart takes longer. */
const LATE_CLAIM_MS = 100

export type ReclaimContext = Pick<
  TermContext,
  'self' | 'term' | 'ledger' | 'clock' | 'log' | 'emit' | 'hints' | 'peers' | 'suspicions' | 'connected' | 'stepDown'
>

export interface Reclaim extends Duty {
  /** This leader lost its connection to the peer. Never rejects; ends with the term. */
  lost(peer: PeerId, why: LossReason, signal: AbortSignal): Promise<void>
}

export const createReclaim = (context: ReclaimContext): Reclaim => new Reclaims(context)

class Reclaims implements Reclaim {
  readonly name = 'reclaim'
  readonly #context: ReclaimContext
  readonly #guard: PartitionGuard
  readonly #suspected: SuspectedClaims
  /** When this term began, by the monotonic clock. */
  readonly #since: number
  /** Holders of claims that are not in the mesh, since when: a worker may claim before anyone has met it. */
  readonly #missedSince = new Map<PeerId, number>()

  constructor(context: ReclaimContext) {
    const { ledger, clock, log, peers, suspicions, stepDown } = context
    this.#context = context
    this.#since = clock.mono()
    this.#guard = createPartitionGuard({ clock, log, peers, suspicions, stepDown })
    this.#suspected = createSuspectedClaims({ ledger, clock, peers })
  }

  lost = async (peer: PeerId, why: LossReason, signal: AbortSignal): Promise<void> => {
    const isLeaving = this.#hasLeft(peer)
    const reason = isLeaving ? 'it left' : why === 'closed' ? 'its connection closed' : 'it went silent'
    const strike = why === 'closed' && !isLeaving ? 'peer_died' : null
    try {
      const begun = await this.#suspected.begin(peer)
      const { since, claims } = begun
      if (!this.#hasLeft(peer) && !(await this.#isGone(peer, since, signal))) return
      await this.#reclaim(peer, begun, { reason, strike })
      if (strike === null) return
      begun.claims = await this.#claimsLanded(peer, { since, claims }, signal)
      await this.#reclaim(peer, begun, { reason, strike })
    } catch (error) {
      // The claims still expire, and the next rounds look for absent holders.
      if (!signal.aborted) this.#context.log.warn('a reclaim failed', { peer, error: sentence(error) })
    }
  }

  round = async (): Promise<void> => {
    const { ledger, clock, peers, suspicions } = this.#context
    const connected = new Set(this.#context.connected())
    if (this.#guard.mayBePartitioned()) return
    const isNew = clock.mono() - this.#since < ABSENT_MS
    const holders = claimHolders(await ledger.tasks({ statuses: ['PROCESSING'] }))
    holders.delete(this.#context.self)
    for (const peer of this.#missedSince.keys()) if (!holders.has(peer)) this.#missedSince.delete(peer)
    for (const peer of holders) {
      // A new leader waits for those whom it has not met; whom it lost itself, as the leader before it, it need not wait for.
      if (isNew && suspicions.sawLost(peer) === null) continue
      const verdict = this.#assess(peer, connected)
      if (!verdict.isSuspect) {
        this.#missedSince.delete(peer)
        if (connected.has(peer)) this.#suspected.end(peer)
        continue
      }
      const begun = await this.#suspected.of(peer)
      if (peers.get(peer) || this.#hasBeenMissed(peer))
        await this.#reclaim(peer, begun, { reason: verdict.reason, strike: null })
    }
  }

  #assess(peer: PeerId, connected: ReadonlySet<PeerId>): Verdict {
    const { clock, peers, suspicions } = this.#context
    const heard = peers.get(peer)
    const evidence = {
      peer,
      isConnected: connected.has(peer),
      wasLost: suspicions.sawLost(peer) !== null,
      heardAgoMs: heard ? clock.mono() - heard.heard_mono : null,
      reports: suspicions.reportsOf(peer),
      hasLeft: this.#hasLeft(peer),
    }
    const hasStalled = (suspicions.stalledAgoMs() ?? STALL_GRACE_MS) < STALL_GRACE_MS
    return assessPeer(evidence, { peers: this.#meshSize(), hasStalled })
  }

  /**
   * Whether a connection that this leader lost means that its peer is gone: others saw it too, or the peer stays away. Looks again at each
   * event about the peer, and where another one is lost too, as fewer observers are then left.
   */
  async #isGone(peer: PeerId, lostAt: number, signal: AbortSignal): Promise<boolean> {
    const { clock, suspicions } = this.#context
    const notifier = createNotifier(clock)
    const stopListening = suspicions.listen({
      onLost: notifier.notify,
      onChange: (changed) => changed === peer && notifier.notify(),
    })
    try {
      for (;;) {
        const leftMs = lostAt + UNCONFIRMED_MS - clock.mono()
        if (this.#isBack(peer, lostAt) || leftMs <= 0) break
        if (this.#haveOthersSeen(peer)) return !this.#guard.mayBePartitioned()
        await notifier.wait(leftMs, signal)
      }
    } finally {
      stopListening()
    }
    // After a long stall of its own the others closed, and nothing was seen.
    return !this.#isBack(peer, lostAt) && suspicions.sawLost(peer) !== null && !this.#guard.mayBePartitioned()
  }

  /** What a process that died, as others saw too, had on its way to the ledger. */
  async #claimsLanded(peer: PeerId, { since, claims }: Suspected, signal: AbortSignal): Promise<ObservedClaim[]> {
    const { clock, ledger } = this.#context
    await clock.sleep(LATE_CLAIM_MS, signal)
    if (this.#isBack(peer, since) || !this.#haveOthersSeen(peer) || this.#guard.mayBePartitioned()) return []
    const isKnown = ({ task, attempt }: ObservedClaim) =>
      claims.some((known) => known.task === task && known.attempt === attempt)
    return (await ledger.claimsOf(peer)).filter((claim) => !isKnown(claim))
  }

  async #reclaim(
    peer: PeerId,
    begun: Suspected,
    { reason, strike }: { reason: string; strike: 'peer_died' | null },
  ): Promise<void> {
    const { ledger, term, peers, hints, emit } = this.#context
    if (begun.claims.length === 0) return
    const tasks = await ledger.reclaim(begun.claims, { term, strike })
    begun.claims = []
    if (tasks.length === 0) return
    const name = peers.get(peer)?.beat.name || peer
    hints.publish({ what: 'tasks', video: null })
    await emit({ code: 'reclaimed', peer, name, tasks: tasks.length, reason })
  }

  /** Of one that was never heard: a worker may claim before anyone has met it, and in a large mesh heartbeats are far between. */
  #hasBeenMissed(peer: PeerId): boolean {
    const { clock } = this.#context
    const first = this.#missedSince.get(peer) ?? clock.mono()
    this.#missedSince.set(peer, first)
    return clock.mono() - first >= Math.max(ABSENT_MS, heartbeatDeadlineMs(this.#meshSize()))
  }

  /** Heard or connected since. */
  #isBack(peer: PeerId, lostAt: number): boolean {
    const { peers, connected } = this.#context
    return (peers.get(peer)?.heard_mono ?? 0) > lostAt || connected().includes(peer)
  }

  #haveOthersSeen(peer: PeerId): boolean {
    const { suspicions, connected } = this.#context
    return isConfirmed(suspicions.reportsOf(peer), { observers: connected().length + 1 })
  }

  #hasLeft(peer: PeerId): boolean {
    return hasLeft(this.#context.peers.get(peer))
  }

  #meshSize(): number {
    const { peers, clock } = this.#context
    return meshSize(peers, clock.mono())
  }
}

const claimHolders = (
  running: readonly { readonly claims: readonly { readonly worker_id: PeerId }[] }[],
): Set<PeerId> => new Set(running.flatMap(({ claims }) => claims.map(({ worker_id }) => worker_id)))

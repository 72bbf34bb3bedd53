/**
 * Reclaims the claims of failed peers: when this leader's connection to one is lost, as soon as another peer reports the same or the peer
 * had time to refute; and by `policy/failure-detector.ts` where others report it or heartbeats stopped. A leader that may be cut off itself
 * suspects nobody, and after a while steps down.
 *
 * A wrong reclaim costs one repeated chunk, never a wrong output: attempts are fenced. It ends only claims whose token and expiry are still
 * those read when the suspicion began (`suspected-claims.ts`), and, where others lost their connection too, a claim that was on its way to
 * the ledger then. Claims that a suspect makes or renews later are left to expire: a worker that only this leader cannot hear continues.
 */
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { ObservedClaim } from '../../protocol/ledger.ts'
import { DUTY_MS, QUIET_DUTY_MS, SILENCE_MS, STALL_GRACE_MS, UNCONFIRMED_MS } from '../../protocol/limits.ts'
import type { LossReason } from '../../protocol/mesh.ts'
import { createNotifier } from '../../protocol/notifier.ts'
import { hasLeft, meshSize } from '../../protocol/peer-table.ts'
import type { Duty, TermContext } from '../duty.ts'
import { assessPeer, heartbeatDeadlineMs, isConfirmed, type Verdict } from '../policy/failure-detector.ts'
import { createPartitionGuard, type PartitionGuard } from './partition-guard.ts'
import { createSuspectedClaims, type Suspected, type SuspectedClaims } from './suspected-claims.ts'

/** How long a new leader waits before it suspects a worker, and any leader one that it never heard. */
const ABSENT_MS = 2 * SILENCE_MS
/** Time after which a claim that a worker sent before it died is in the ledger; a restart takes longer. */
const LATE_CLAIM_MS = 100
/** How long it is known from a read that nothing runs: until the next round. */
const READ_MS = QUIET_DUTY_MS + DUTY_MS
/** Time after which the last heartbeat of a peer that leaves has come. */
const LEAVING_MS = 1_000

/** The parts of the term that this duty uses. */
export type ReclaimContext = Pick<
  TermContext,
  'self' | 'term' | 'ledger' | 'clock' | 'log' | 'emit' | 'hints' | 'peers' | 'suspicions' | 'connected' | 'stepDown'
>

/** The duty that reclaims, with an entry for lost connections. */
export interface Reclaim extends Duty {
  /** Whether some task was PROCESSING in the last round. */
  areRunning(): boolean
  /** Whether none was, a moment ago: who looks at what runs need not read it. */
  noneRuns(): boolean
  /** Handles the loss of this leader's connection to a peer. Never rejects; ends with the term. */
  lost(peer: PeerId, why: LossReason, signal: AbortSignal): Promise<void>
}

/** The duty that reclaims, for one term. */
export const createReclaim = (context: ReclaimContext): Reclaim => new Reclaims(context)

class Reclaims implements Reclaim {
  readonly name = 'reclaim'
  readonly #context: ReclaimContext
  readonly #guard: PartitionGuard
  readonly #suspected: SuspectedClaims
  /** When this term began, by the monotonic clock. */
  readonly #since: number
  /** Workers with claims that were never heard, and since when they are missed (monotonic ms): one may claim before it is connected. */
  readonly #missedSince = new Map<PeerId, number>()
  #areRunning = false
  /** When that was read, monotonic ms. */
  #readAt = Number.NEGATIVE_INFINITY

  constructor(context: ReclaimContext) {
    const { ledger, clock, log, peers, suspicions, stepDown } = context
    this.#context = context
    this.#since = clock.mono()
    this.#guard = createPartitionGuard({ clock, log, peers, suspicions, stepDown })
    this.#suspected = createSuspectedClaims({ ledger, clock, peers })
  }

  areRunning = (): boolean => this.#areRunning

  noneRuns = (): boolean => !this.#areRunning && this.#context.clock.mono() - this.#readAt < READ_MS

  lost = async (peer: PeerId, why: LossReason, signal: AbortSignal): Promise<void> => {
    const isLeaving = this.#hasLeft(peer)
    const reason = isLeaving ? 'it left' : why === 'closed' ? 'its connection closed' : 'it stopped responding'
    const strike = why === 'closed' && !isLeaving ? 'peer_died' : null
    try {
      const begun = await this.#suspected.begin(peer)
      const { since, claims } = begun
      if (!this.#hasLeft(peer) && !(await this.#isGone(peer, since, signal))) return
      await this.#reclaim(peer, begun, { reason, strike })
      if (strike !== null) {
        begun.claims = await this.#claimsLanded(peer, { since, claims }, signal)
        await this.#reclaim(peer, begun, { reason, strike })
      }
      // Nothing waits for it.
      if (!isLeaving) void this.#emitLost(peer, reason, signal).catch(() => {})
    } catch (error) {
      // The claims still expire, and the next rounds look for missing workers.
      if (!signal.aborted) this.#context.log.warn('a reclaim failed', { peer, error: sentence(error) })
    }
  }

  round = async (): Promise<void> => {
    const { ledger, clock, peers, suspicions } = this.#context
    const connected = new Set(this.#context.connected())
    if (this.#guard.mayBePartitioned()) return
    const isNew = clock.mono() - this.#since < ABSENT_MS
    const readAt = clock.mono()
    const running = await ledger.tasks({ statuses: ['PROCESSING'] })
    this.#areRunning = running.length > 0
    this.#readAt = readAt
    const holders = claimHolders(running)
    holders.delete(this.#context.self)
    for (const peer of this.#missedSince.keys()) if (!holders.has(peer)) this.#missedSince.delete(peer)
    for (const peer of holders) {
      // A new leader waits for peers that it is not connected to yet, except those to which it lost its own connection.
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
   * Whether a peer to which this leader lost its connection has failed: others lost theirs too, or it is not heard for `UNCONFIRMED_MS`.
   * Checks again at each event about the peer, and when another peer is lost, as there are fewer observers then.
   */
  async #isGone(peer: PeerId, lostAt: number, signal: AbortSignal): Promise<boolean> {
    const { clock, suspicions } = this.#context
    // Nothing is read from the ledger here: each event is looked at when it comes.
    const notifier = createNotifier(clock, 0)
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
    // After a long stall of this process the other peers closed their connections: `sawLost` is null then.
    return !this.#isBack(peer, lostAt) && suspicions.sawLost(peer) !== null && !this.#guard.mayBePartitioned()
  }

  /** Claims that a peer sent before it died and that reached the ledger after the suspicion began; only where others saw its death too. */
  async #claimsLanded(peer: PeerId, { since, claims }: Suspected, signal: AbortSignal): Promise<ObservedClaim[]> {
    const { clock, ledger } = this.#context
    await clock.sleep(LATE_CLAIM_MS, signal)
    if (this.#isBack(peer, since) || !this.#haveOthersSeen(peer) || this.#guard.mayBePartitioned()) return []
    const isKnown = ({ task, attempt }: ObservedClaim) =>
      claims.some((known) => known.task === task && known.attempt === attempt)
    return (await ledger.claimsOf(peer)).filter((claim) => !isKnown(claim))
  }

  /** Not where the heartbeat that says that it leaves comes later than the end of its connection. */
  async #emitLost(peer: PeerId, reason: string, signal: AbortSignal): Promise<void> {
    const { clock, peers, emit } = this.#context
    await clock.sleep(LEAVING_MS, signal)
    const name = peers.get(peer)?.beat.name
    // Of a connection that nobody was heard on people know nothing.
    if (name !== undefined && !this.#hasLeft(peer)) await emit({ code: 'peer_lost', peer, name: name || peer, reason })
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

  /** Whether a worker that was never heard is missed long enough: it may claim before it is connected, and large meshes have slow heartbeats. */
  #hasBeenMissed(peer: PeerId): boolean {
    const { clock } = this.#context
    const first = this.#missedSince.get(peer) ?? clock.mono()
    this.#missedSince.set(peer, first)
    return clock.mono() - first >= Math.max(ABSENT_MS, heartbeatDeadlineMs(this.#meshSize()))
  }

  /** Whether the peer was heard or connected since. */
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

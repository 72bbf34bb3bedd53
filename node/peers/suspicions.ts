/**
 * Suspicions: records the lost connections of this node and those that others report, publishes its own, and passes all to the leader's reclaim
 * duty as events. With reports of two peers the leader acts without a connection of its own. A later heartbeat refutes all reports: a
 * suspected peer that runs sends one at once. Nothing is published while this node's event loop stalls, nor after three reports of others,
 * so that a death in a large mesh causes few messages.
 *
 *   mesh: connection lost ──► noted, gossiped ──► onLost ──► reclaim: suspicion begins
 *   mesh: gossip of others, heartbeat, connection back ──► noted ──► onChange ──► reclaim: confirmed, refuted or neither
 */
import { heartbeatDeadlineMs } from '../../coordinator/policy/failure-detector.ts'
import { type StallWatch, watchStalls } from '../../mesh/stall-watch.ts'
import type { Clock } from '../../protocol/clock.ts'
import { decodeSuspicion, encodeSuspicion, type Suspicion } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { ALIVE_MS, HEARTBEAT_MS, PEERS_REMEMBERED, SILENCE_MS, STALL_GRACE_MS } from '../../protocol/limits.ts'
import type { LossReason, Mesh } from '../../protocol/mesh.ts'
import { hasLeft, meshSize } from '../../protocol/peer-table.ts'
import type { SuspicionEvents, SuspicionSource } from '../../protocol/suspicions.ts'
import type { HeardTable } from './peer-table.ts'

/** The suspicions of this node, with start and stop. */
export interface Suspicions extends SuspicionSource {
  /** Idempotent. */
  start(): void
  /** Idempotent. */
  stop(): void
}

/** The parts that suspicions use. */
export interface SuspicionsModules {
  readonly mesh: Pick<Mesh, 'self' | 'publish' | 'listen'>
  readonly clock: Clock
  readonly table: Pick<HeardTable, 'get' | 'all' | 'listen'>
}

/** Age after which a report no longer counts. */
const REPORT_MS = 30_000
const ENOUGH_REPORTS = 3

interface Report {
  readonly epoch: number
  readonly at: number
  readonly why: Suspicion['why']
}

/** Makes the suspicions of this node, not started. */
export const createSuspicions = (modules: SuspicionsModules): Suspicions => new LossReports(modules)

class LossReports implements Suspicions {
  readonly #modules: SuspicionsModules
  /** The reports, by suspected peer, then by reporting peer. */
  readonly #reports = new Map<PeerId, Map<PeerId, Report>>()
  readonly #listeners = new Set<SuspicionEvents>()
  #stalls: StallWatch | null = null
  #stalledAt: number | null = null
  /** When the last stall was, of those long enough that others lost this node (monotonic ms). */
  #longStallAt = Number.NEGATIVE_INFINITY
  #cancelLook = () => {}
  #unsubscribe: (() => void)[] = []

  constructor(modules: SuspicionsModules) {
    this.#modules = modules
  }

  start = (): void => {
    if (this.#stalls) return
    const { clock, mesh, table } = this.#modules
    this.#stalls = watchStalls(clock, (ms) => {
      this.#stalledAt = clock.mono()
      if (ms >= SILENCE_MS - ALIVE_MS) this.#longStallAt = this.#stalledAt
    })
    this.#lookForSilence()
    this.#unsubscribe = [
      mesh.listen({
        onGossip: ({ topic, author, data }) => topic === 'suspect' && this.#receive(author, data),
        onDisconnected: (peer, why) => this.#lost(peer, why),
        onConnected: (peer) => this.#connected(peer),
      }),
      table.listen(({ peer }) => this.#changed(peer)),
    ]
  }

  stop = (): void => {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#unsubscribe = []
    this.#cancelLook()
    this.#stalls?.stop()
    this.#stalls = null
  }

  listen(events: SuspicionEvents): () => void {
    this.#listeners.add(events)
    return () => this.#listeners.delete(events)
  }

  reportsOf(peer: PeerId): readonly number[] {
    const now = this.#modules.clock.mono()
    // Silence of heartbeats may come from a stall of the reporting peer, so that it does not count for others.
    return this.#unrefuted(peer).flatMap(([, { why, at }]) => (why === 'heartbeat' ? [] : [now - at]))
  }

  sawLost(peer: PeerId): LossReason | null {
    const own = this.#reports.get(peer)?.get(this.#modules.mesh.self)
    return own && own.why !== 'heartbeat' && this.#isUnrefuted(peer, own) ? own.why : null
  }

  stalledAgoMs(): number | null {
    return this.#stalledAt === null ? null : this.#modules.clock.mono() - this.#stalledAt
  }

  #lost(peer: PeerId, why: LossReason): void {
    this.#report(peer, why)
    for (const { onLost } of this.#listeners) onLost?.(peer, why)
  }

  #connected(peer: PeerId): void {
    this.#reports.get(peer)?.delete(this.#modules.mesh.self)
    this.#changed(peer)
  }

  #changed(peer: PeerId): void {
    for (const { onChange } of this.#listeners) onChange?.(peer)
  }

  #receive(author: PeerId, data: Uint8Array): void {
    const decoded = decodeSuspicion(data)
    if (decoded.verdict !== 'accept') return
    const { peer } = decoded.message
    if (peer === this.#modules.mesh.self || peer === author) return
    this.#note(author, decoded.message)
    this.#changed(peer)
  }

  /** Records an observation of this node, and publishes it unless enough others have reported it. */
  #report(peer: PeerId, why: Suspicion['why']): void {
    const { mesh, table } = this.#modules
    if (hasLeft(table.get(peer)) || this.#mayBeOwnFault(why)) return
    const reported = this.#unrefuted(peer).filter(([, report]) => why === 'heartbeat' || report.why !== 'heartbeat')
    const suspicion = { peer, epoch: this.#epochOf(peer), why }
    this.#note(mesh.self, suspicion)
    if (reported.length >= ENOUGH_REPORTS || reported.some(([author]) => author === mesh.self)) return
    void mesh.publish('suspect', encodeSuspicion({ v: 1, ...suspicion })).catch(() => {})
  }

  /** Whether the connection may be lost because this node was silent in a stall, so that the others closed it. */
  #mayBeOwnFault(why: Suspicion['why']): boolean {
    const now = this.#modules.clock.mono()
    const isGrace = (this.#stalls?.graceUntil() ?? 0) > now
    return isGrace && (why !== 'closed' || now - this.#longStallAt < STALL_GRACE_MS)
  }

  #note(author: PeerId, { peer, epoch, why }: Omit<Suspicion, 'v'>): void {
    const known = this.#reports.get(peer) ?? new Map<PeerId, Report>()
    const before = known.get(author)
    // A repeated report does not restart the time to refute, and a report of silence does not replace one of a lost connection.
    const isKnown = before && this.#stands(peer, before) && before.epoch === epoch
    if (isKnown && (before.why !== 'heartbeat' || why === 'heartbeat')) return
    bound(this.#reports)
    bound(known)
    this.#reports.set(peer, known.set(author, { epoch, why, at: this.#modules.clock.mono() }))
  }

  #lookForSilence(): void {
    const { clock, table } = this.#modules
    const deadlineMs = heartbeatDeadlineMs(meshSize(table, clock.mono()))
    for (const { peer, heard_mono } of table.all()) {
      const silentMs = clock.mono() - heard_mono
      if (silentMs >= deadlineMs && silentMs < deadlineMs + REPORT_MS) this.#report(peer, 'heartbeat')
    }
    this.#cancelLook = clock.timer(HEARTBEAT_MS, () => this.#lookForSilence())
  }

  #unrefuted(peer: PeerId): [PeerId, Report][] {
    return [...(this.#reports.get(peer) ?? [])].filter(([, report]) => this.#stands(peer, report))
  }

  #stands(peer: PeerId, report: Report): boolean {
    return this.#isUnrefuted(peer, report) && this.#modules.clock.mono() - report.at < REPORT_MS
  }

  #isUnrefuted(peer: PeerId, { epoch, at }: Report): boolean {
    return epoch >= this.#epochOf(peer) && at > (this.#modules.table.get(peer)?.heard_mono ?? 0)
  }

  #epochOf(peer: PeerId): number {
    return this.#modules.table.get(peer)?.beat.epoch ?? 0
  }
}

/** Drops the oldest entry beyond what is remembered of peers. */
function bound<K>(map: Map<K, unknown>): void {
  const [oldest] = map.keys()
  if (map.size >= PEERS_REMEMBERED && oldest !== undefined) map.delete(oldest)
}

/**
 * Tells the mesh whom this node lost, and remembers what it and others saw: two who saw a connection close or go silent let the
 * leader act without a connection of its own. A heartbeat heard since refutes them all: a suspect that lives sends one at
 * once. Nothing is told while this node itself stalled, and nothing more once three have said it: a death in a large mesh must not
 * become a storm.
 */
import { heartbeatDeadlineMs } from '../../coordinator/policy/suspicion.ts'
import { type StallWatch, watchStalls } from '../../mesh/stall-watch.ts'
import type { Clock } from '../../protocol/clock.ts'
import { decodeSuspicion, encodeSuspicion, type Suspicion } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { ALIVE_MS, HEARTBEAT_MS, PEERS_REMEMBERED, SILENCE_MS, STALL_GRACE_MS } from '../../protocol/limits.ts'
import type { LossReason, Mesh } from '../../protocol/mesh.ts'
import { hasLeft, type PeerTable, presentPeers } from '../../protocol/peer-table.ts'

export interface Suspicions {
  start(): void
  stop(): void
  /** Ms since each who lost a connection to this life of the peer did, this node among them; only while it was not heard since. */
  reportsOf(peer: PeerId): readonly number[]
  /** This node itself lost its connection to the peer and has not heard it since. */
  sawLost(peer: PeerId): LossReason | null
  /** Ms since this node last stood still; null when it has not. */
  stalledAgoMs(): number | null
}

/** A report older than this says nothing about now. */
const REPORT_MS = 30_000
const ENOUGH_REPORTS = 3

interface Report {
  readonly epoch: number
  readonly at: number
  readonly why: Suspicion['why']
}

export function createSuspicions(options: { mesh: Mesh; clock: Clock; table: PeerTable }): Suspicions {
  const { mesh, clock, table } = options
  /** By suspect, then by who says so. */
  const reports = new Map<PeerId, Map<PeerId, Report>>()
  let stalledAt: number | null = null
  /** The last one that was long enough for others to take this node for lost. */
  let longStallAt = Number.NEGATIVE_INFINITY
  let stalls: StallWatch | null = null
  let undo: (() => void)[] = []

  const epochOf = (peer: PeerId): number => table.get(peer)?.beat.epoch ?? 0
  const isUnrefuted = (peer: PeerId, { epoch, at }: Report): boolean =>
    epoch >= epochOf(peer) && at > (table.get(peer)?.heard_mono ?? 0)
  const stands = (peer: PeerId, report: Report): boolean =>
    isUnrefuted(peer, report) && clock.mono() - report.at < REPORT_MS

  const standing = (peer: PeerId): [PeerId, Report][] =>
    [...(reports.get(peer) ?? [])].filter(([, report]) => stands(peer, report))
  // Silence of heartbeats is not independent of its author's own stall, so it counts for nobody else.
  const seen = (peer: PeerId): Report[] =>
    standing(peer).flatMap(([, report]) => (report.why === 'heartbeat' ? [] : [report]))

  function note(author: PeerId, { peer, epoch, why }: Omit<Suspicion, 'v'>): void {
    const known = reports.get(peer) ?? new Map<PeerId, Report>()
    const before = known.get(author)
    // Who repeats itself does not start the time to refute anew, and silence does not take back what was seen.
    if (before && stands(peer, before) && before.epoch === epoch && (before.why !== 'heartbeat' || why === 'heartbeat'))
      return
    bound(reports)
    bound(known)
    reports.set(peer, known.set(author, { epoch, why, at: clock.mono() }))
  }

  /** Others close a connection on which this node was silent: then it lost nobody, they lost it. */
  function mayBeOwnFault(why: Suspicion['why']): boolean {
    const isGrace = (stalls?.graceUntil() ?? 0) > clock.mono()
    return isGrace && (why !== 'closed' || clock.mono() - longStallAt < STALL_GRACE_MS)
  }

  function tell(peer: PeerId, why: Suspicion['why']): void {
    if (hasLeft(table.get(peer)) || mayBeOwnFault(why)) return
    const told = standing(peer).filter(([, report]) => why === 'heartbeat' || report.why !== 'heartbeat')
    const suspicion = { peer, epoch: epochOf(peer), why }
    note(mesh.self, suspicion)
    if (told.length >= ENOUGH_REPORTS || told.some(([author]) => author === mesh.self)) return
    void mesh.publish('suspect', encodeSuspicion({ v: 1, ...suspicion })).catch(() => {})
  }

  function hear(author: PeerId, data: Uint8Array): void {
    const decoded = decodeSuspicion(data)
    if (decoded.verdict !== 'accept') return
    const { peer } = decoded.message
    if (peer !== mesh.self && peer !== author) note(author, decoded.message)
  }

  function lookForSilence(): void {
    const deadlineMs = heartbeatDeadlineMs(presentPeers(table, clock.mono()).length + 1)
    for (const { peer, heard_mono } of table.all()) {
      const silentMs = clock.mono() - heard_mono
      if (silentMs >= deadlineMs && silentMs < deadlineMs + REPORT_MS) tell(peer, 'heartbeat')
    }
  }

  return {
    reportsOf: (peer) => seen(peer).map(({ at }) => clock.mono() - at),
    sawLost: (peer) => {
      const own = reports.get(peer)?.get(mesh.self)
      return own && own.why !== 'heartbeat' && isUnrefuted(peer, own) ? own.why : null
    },
    stalledAgoMs: () => (stalledAt === null ? null : clock.mono() - stalledAt),
    start() {
      if (undo.length > 0) return
      const watch = watchStalls(clock, (ms) => {
        stalledAt = clock.mono()
        if (ms >= SILENCE_MS - ALIVE_MS) longStallAt = stalledAt
      })
      stalls = watch
      let cancel = () => {}
      const look = () => {
        lookForSilence()
        cancel = clock.timer(HEARTBEAT_MS, look)
      }
      look()
      const deaf = mesh.listen({
        onGossip: ({ topic, author, data }) => topic === 'suspect' && hear(author, data),
        onDisconnected: (peer, why) => tell(peer, why),
        onConnected: (peer) => reports.get(peer)?.delete(mesh.self),
      })
      undo = [() => watch.stop(), () => cancel(), deaf]
    },
    stop() {
      for (const step of undo) step()
      undo = []
    },
  }
}

/** Drops the oldest entry beyond what is remembered of peers. */
function bound<K>(map: Map<K, unknown>): void {
  const [oldest] = map.keys()
  if (map.size >= PEERS_REMEMBERED && oldest !== undefined) map.delete(oldest)
}

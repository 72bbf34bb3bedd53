/**
 * Tells the mesh whom this node lost, and remembers what others tell: a suspicion gossiped by two who saw a connection close
 * or go silent lets the leader act without a connection of its own. Nothing is told while this node itself stalled, and
 * nothing more once three others have said it: a death in a large mesh must not become a storm.
 */
import { heartbeatDeadlineMs } from '../coordinator/policy/suspicion.ts'
import type { Clock } from '../protocol/clock.ts'
import { decodeSuspicion, encodeSuspicion, type Suspicion } from '../protocol/heartbeat.ts'
import type { PeerId } from '../protocol/ids.ts'
import { HEARTBEAT_MS, PEERS_REMEMBERED } from '../protocol/limits.ts'
import type { Mesh } from '../protocol/mesh.ts'
import type { PeerTable } from '../protocol/peer-table.ts'
import { watchStalls } from './mesh/stall-watch.ts'

export interface Suspicions {
  start(): void
  stop(): void
  /** How many others lost a connection to this life of the peer, lately. */
  reportersOf(peer: PeerId): number
  /** Ms since this node last stood still; null when it has not. */
  stalledAgoMs(): number | null
}

/** A report older than this says nothing about now. */
const REPORT_MS = 30_000
const ENOUGH_REPORTS = 3

export function createSuspicions(options: { mesh: Mesh; clock: Clock; table: PeerTable }): Suspicions {
  const { mesh, clock, table } = options
  const reports = new Map<PeerId, Map<PeerId, { epoch: number; at: number }>>()
  /** The life of each peer that this node has told about, by why. */
  const told = new Map<string, number>()
  let stalledAt: number | null = null
  let undo: (() => void)[] = []

  const epochOf = (peer: PeerId): number => table.get(peer)?.beat.epoch ?? 0

  const reportersOf = (peer: PeerId): number => {
    const known = reports.get(peer)
    if (!known) return 0
    return [...known.values()].filter(({ epoch, at }) => epoch >= epochOf(peer) && clock.mono() - at < REPORT_MS).length
  }

  function tell(peer: PeerId, why: Suspicion['why']): void {
    const epoch = epochOf(peer)
    const key = `${peer} ${why}`
    if (told.get(key) === epoch || table.get(peer)?.beat.state === 'leaving' || reportersOf(peer) >= ENOUGH_REPORTS)
      return
    bound(told)
    told.set(key, epoch)
    void mesh.publish('suspect', encodeSuspicion({ v: 1, peer, epoch, why })).catch(() => {})
  }

  function hear(author: PeerId, data: Uint8Array): void {
    const decoded = decodeSuspicion(data)
    // Silence of heartbeats is not independent of its author's own stall, so it counts for nobody else.
    if (decoded.verdict !== 'accept' || decoded.message.why === 'heartbeat') return
    const { peer, epoch } = decoded.message
    if (peer === mesh.self || peer === author) return
    const known = reports.get(peer) ?? new Map<PeerId, { epoch: number; at: number }>()
    bound(reports)
    bound(known)
    reports.set(peer, known.set(author, { epoch, at: clock.mono() }))
  }

  function lookForSilence(): void {
    if (stalledAt !== null && clock.mono() - stalledAt < REPORT_MS) return
    const peers = table.all()
    for (const { peer, heard_mono } of peers) {
      const silentMs = clock.mono() - heard_mono
      if (silentMs >= heartbeatDeadlineMs(peers.length + 1) && silentMs < REPORT_MS) tell(peer, 'heartbeat')
    }
  }

  return {
    reportersOf,
    stalledAgoMs: () => (stalledAt === null ? null : clock.mono() - stalledAt),
    start() {
      if (undo.length > 0) return
      const stalls = watchStalls(clock, () => {
        stalledAt = clock.mono()
      })
      let cancel = () => {}
      const look = () => {
        lookForSilence()
        cancel = clock.timer(HEARTBEAT_MS, look)
      }
      look()
      const deaf = mesh.listen({
        onGossip: ({ topic, author, data }) => topic === 'suspect' && hear(author, data),
        onDisconnected: (peer, why) => tell(peer, why),
        onConnected: (peer) => told.delete(`${peer} closed`),
      })
      undo = [() => stalls.stop(), () => cancel(), deaf]
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

/** Slots of a peer that are idle, or will be soon: what a worker counts on that decides how many renditions it takes at once. */
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat, RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf } from '../../protocol/ids.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'

/** A running attempt this far done makes its slot as good as idle for one that plans ahead. */
const SOON_FREE = 0.5

/** Renditions of a chunk share a slot. Attempts that a heartbeat had no room for are the youngest: none of theirs is free soon. */
export function soonFreeSlots({
  slots,
  running,
  unlisted = 0,
}: Pick<Heartbeat, 'slots' | 'running' | 'unlisted'>): number {
  const chunks = new Map(running.map((attempt) => [chunkOf(attempt.task), attempt.done]))
  const taken = [...chunks.values()].filter((done) => done < SOON_FREE).length
  return Math.max(0, slots - taken - unlisted)
}

/** Slots of the mesh, beside the one that asks, that are idle or soon will be. */
export function otherSoonFreeSlots(
  { slots }: { readonly slots: number },
  modules: {
    readonly peers: PeerTable
    readonly clock: Clock
    readonly attempts: { running(): readonly RunningAttempt[] }
  },
): number {
  const { peers, clock, attempts } = modules
  const elsewhere = presentPeers(peers, clock.mono()).reduce((sum, { beat }) => sum + soonFreeSlots(beat), 0)
  return elsewhere + Math.max(0, soonFreeSlots({ slots, running: [...attempts.running()] }) - 1)
}

/** Counts slots that are idle or soon will be, for the decision how many renditions a worker takes at once. */
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat, RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, partOf } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'

/** Share done (0–1) from which the slot of a running attempt counts as soon free. */
const SOON_FREE = 0.5

/** Number of soon free slots of a peer; `from`: share done from which an attempt counts as soon ended. Renditions of a chunk share a slot. Attempts that a heartbeat does not list are the newest: none is soon free. */
export function soonFreeSlots(
  { slots, running, unlisted = 0 }: Pick<Heartbeat, 'slots' | 'running' | 'unlisted'>,
  from = SOON_FREE,
): number {
  const encodes = running.filter(({ task }) => kindFacts(partOf(task)).slots === 'encode')
  const chunks = new Map(encodes.map((attempt) => [chunkOf(attempt.task), attempt.done]))
  const taken = [...chunks.values()].filter((done) => done < from).length
  return Math.max(0, slots - taken - unlisted)
}

/** Which slots count. */
export interface AskedSlots {
  /** Those too that soon will be idle. */
  readonly soon: boolean
  /** The work that is claimed has several threads: they take the core of another slot of this machine. */
  readonly isThreaded: boolean
}

/** Number of other slots in the mesh that are idle, of a worker with so many slots. */
export function otherSoonFreeSlots(
  { slots, soon, isThreaded }: AskedSlots & { readonly slots: number },
  modules: {
    readonly peers: PeerTable
    readonly clock: Clock
    readonly attempts: { running(): readonly RunningAttempt[] }
  },
): number {
  const { peers, clock, attempts } = modules
  const from = soon ? SOON_FREE : Number.POSITIVE_INFINITY
  const elsewhere = presentPeers(peers, clock.mono()).reduce((sum, { beat }) => sum + soonFreeSlots(beat, from), 0)
  return (
    elsewhere + Math.max(0, soonFreeSlots({ slots, running: [...attempts.running()] }, from) - (isThreaded ? 2 : 1))
  )
}

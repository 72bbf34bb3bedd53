/** The peers that could run an audit now: this leader and those that it hears. */
import type { PeerId } from '../protocol/ids.ts'
import { presentPeers } from '../protocol/peer-table.ts'
import type { Task } from '../protocol/task.ts'
import type { TermContext } from './duty.ts'
import { type Auditor, auditors, notBy } from './policy/audits.ts'

/** The parts of the term that this uses. */
export type AuditPeersContext = Pick<TermContext, 'self' | 'host' | 'capability' | 'settles' | 'peers' | 'clock'>

/** This leader where it encodes, and all present peers. A leader without slots only `settles` differences. */
export function heard(
  { self, host, capability, settles, peers, clock }: AuditPeersContext,
  isSettling: boolean,
): Auditor[] {
  const others = presentPeers(peers, clock.mono()).map(({ peer, beat }) => ({ ...beat, peer }))
  const own = capability ?? (isSettling ? settles?.capability : undefined)
  return own ? [{ ...own, peer: self, host, state: 'working', slots: 1 }, ...others] : others
}

/** Peers that may audit the task beside those that already gave a result. `isSettling`: to settle a difference. */
export function auditorsOf(
  context: AuditPeersContext,
  task: Task,
  audits: readonly Task[],
  isSettling = false,
): { able: PeerId[]; not_by: PeerId[] } {
  const made = [task, ...audits].flatMap(({ worker_id }) => worker_id ?? [])
  const present = heard(context, isSettling)
  const not_by = notBy(made, present)
  return { able: auditors(present, { taskClass: task.class, not_by }), not_by }
}

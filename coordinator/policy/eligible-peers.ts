/**
 * The eligible peers of a task: those that could run it, whose strikes decide whether it fails. While the leader does not know them (it has
 * just started, or may be alone for a moment), only strikes from `STRIKE_PEERS` different peers count: a video that others could encode
 * must not fail.
 */
import { type Capability, canDo } from '../../protocol/capability.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { SILENCE_MS } from '../../protocol/limits.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { Task } from '../../protocol/task.ts'

/** What the leader knows about a task and the mesh. */
export interface EligibilityInput {
  readonly task: Pick<Task, 'kind' | 'class'>
  /** The leader. */
  readonly self: PeerId
  /** The leader's own capability; null where it has no worker role. */
  readonly capability: Capability | null
  /** Whether no other peer with the coordinator role can join. */
  readonly isOnlyCoordinator: boolean
  /** Time that it has been leading, ms. */
  readonly ledForMs: number
  /** Its monotonic clock, ms. */
  readonly now: number
  readonly heard: readonly HeardPeer[]
  readonly connected: readonly PeerId[]
  /** Holders of the source. */
  readonly holders: readonly PeerId[]
}

/** Time that a new leader needs to hear the present peers. */
const SETTLE_MS = 2 * SILENCE_MS
/** Time after which a leader that sees no other eligible peer decides alone: others may be about to return. */
const ALONE_MS = 30_000
/** Silence after which a peer is not eligible; one that left a moment ago may only be restarting. */
const HEARD_MS = 60_000

/** The peers that could run the task; null where the leader does not know the mesh well enough. */
export function eligiblePeers(input: EligibilityInput): ReadonlySet<PeerId> | null {
  const { task, self, capability, ledForMs, now, heard, connected } = input
  const known = new Set(heard.map(({ peer }) => peer))
  // A peer that is connected and was never heard may be able to do anything.
  if (ledForMs < SETTLE_MS || connected.some((peer) => !known.has(peer))) return null
  const others = heard.filter((each) => now - each.heard_mono < HEARD_MS && isAble(each, input)).map(({ peer }) => peer)
  const { eligibility } = kindFacts(task.kind)
  const mine = eligibility !== 'capability' || (capability !== null && canDo(capability, task.class))
  const mayReturn = eligibility === 'capability' || (eligibility === 'leader' && !input.isOnlyCoordinator)
  if (mine && others.length === 0 && mayReturn && ledForMs < ALONE_MS) return null
  return new Set(mine ? [self, ...others] : others)
}

/** Whether a peer could run the task: every peer with the coordinator role may become the leader. */
function isAble({ peer, beat }: HeardPeer, { task, holders }: EligibilityInput): boolean {
  // Failures of such a machine say nothing about the task.
  if (beat.state === 'quarantined' || beat.state === 'self_test_failed') return false
  const { eligibility } = kindFacts(task.kind)
  if (eligibility === 'capability') return beat.roles.includes('worker') && canDo(beat, task.class)
  if (!beat.roles.includes('coordinator')) return false
  return eligibility === 'source' ? holders.includes(peer) : !['paused', 'draining'].includes(beat.state)
}

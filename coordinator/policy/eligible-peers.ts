/**
 * Whose strikes decide that a task is given up: the peers that could take it. Null where that is not known well enough, and
 * then only strikes from enough different peers count. A leader that has met nobody, or has a bad build itself, must not
 * condemn a video that others could encode.
 */
import { type Capability, canDo } from '../../protocol/capability.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { SILENCE_MS } from '../../protocol/limits.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { Task } from '../../protocol/task.ts'

export interface EligibilityInput {
  readonly task: Pick<Task, 'kind' | 'class'>
  /** The leader. */
  readonly self: PeerId
  /** What it encodes; null where it only coordinates. */
  readonly capability: Capability | null
  /** Ms that it has been leading. */
  readonly ledForMs: number
  /** By its monotonic clock. */
  readonly now: number
  readonly heard: readonly HeardPeer[]
  readonly connected: readonly PeerId[]
  /** Who has the source. */
  readonly holders: readonly PeerId[]
}

/** A new leader may just have started: until it has heard who else is there it gives no task up for want of others. */
const SETTLE_MS = 2 * SILENCE_MS
/** A leader that sees nobody else who encodes believes so only after this: others may be about to come back. */
const ALONE_MS = 30_000
/** Who was silent for longer is not waited for; who left a moment ago may only be restarting. */
const HEARD_MS = 60_000

export function eligiblePeers(input: EligibilityInput): ReadonlySet<PeerId> | null {
  const { task, self, capability, ledForMs, now, heard, connected } = input
  const known = new Set(heard.map(({ peer }) => peer))
  // A peer that is connected and was never heard may be able to do anything.
  if (ledForMs < SETTLE_MS || connected.some((peer) => !known.has(peer))) return null
  const others = heard.filter((each) => now - each.heard_mono < HEARD_MS && isAble(each, input)).map(({ peer }) => peer)
  const { eligibility } = kindFacts(task.kind)
  const mine = eligibility !== 'capability' || (capability !== null && canDo(capability, task.class))
  if (mine && others.length === 0 && eligibility !== 'source' && ledForMs < ALONE_MS) return null
  return new Set(mine ? [self, ...others] : others)
}

/** Whoever coordinates may lead, and then does what is the leader's. */
function isAble({ peer, beat }: HeardPeer, { task, holders }: EligibilityInput): boolean {
  // What such a machine fails at says nothing.
  if (beat.state === 'quarantined' || beat.state === 'self_test_failed') return false
  const { eligibility } = kindFacts(task.kind)
  if (eligibility === 'capability') return beat.roles.includes('worker') && canDo(beat, task.class)
  if (!beat.roles.includes('coordinator')) return false
  return eligibility === 'source' ? holders.includes(peer) : !['paused', 'draining'].includes(beat.state)
}

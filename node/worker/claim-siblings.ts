/** Claims further renditions of a claimed chunk for the same slot: one ffmpeg decodes the chunk once for all of them. */
import { type PeerId, type Token, taskId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'
import type { HeldTask } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { heldBy } from './attempts.ts'
import { siblingsToTake } from './rendition-batching.ts'

/** The state of a task that is claimed: PENDING, all claims expired, or a backup wanted. */
export type ClaimSource = 'pending' | 'expired' | 'backup'

/** The parts that the claims of siblings use. */
export interface SiblingClaims {
  readonly self: PeerId
  /** Whether this worker claims tasks of this class now. */
  may(taskClass: string): boolean
  readonly ledger: Pick<Ledger, 'claimTask' | 'progress'>
  readonly plans: PlanSource
  /** Number of other slots in the mesh that are idle or soon will be. */
  otherSlots(): number
  /** Peers from which an input can be had now. */
  reachable(): readonly PeerId[]
}

/** Claims siblings of the claimed task `anchor`; answers those that it got. Rejects with `LedgerUnavailable`, and as `PlanSource`. */
export async function claimSiblings(
  anchor: Task,
  { token, source }: { readonly token: Token; readonly source: ClaimSource },
  options: SiblingClaims,
): Promise<HeldTask[]> {
  const { self, ledger, plans } = options
  const present = options.reachable()
  // An audit runs alone: what else is encoded of its chunk is of another kind.
  const { scope, countsAsEncode } = kindFacts(anchor.kind)
  if (scope !== 'chunk' || !countsAsEncode) return []
  const { renditions } = await plans.planOf(anchor.video_id)
  const able = renditions.filter(({ id, class: needs }) => id !== anchor.resolution && options.may(needs))
  // A backup attempt repeats a whole slot: all its tasks have `backup_wanted`.
  const backup = source === 'backup'
  const siblings = backup ? able.map(({ id }) => id) : await pendingSiblings(anchor, { renditions, able }, options)
  const asked = siblings.map((id) =>
    ledger.claimTask({
      worker: self,
      token,
      task: taskId(anchor.video_id, id, anchor.chunk_id),
      present,
      from: backup ? 'backup' : 'pending',
    }),
  )
  return (await Promise.all(asked)).flatMap(heldBy)
}

/** `able`: the renditions, beside the anchor's, that this worker may claim. */
async function pendingSiblings(
  task: Task,
  { renditions, able }: { readonly renditions: readonly RenditionPlan[]; readonly able: readonly RenditionPlan[] },
  { ledger, otherSlots }: SiblingClaims,
): Promise<RenditionId[]> {
  const anchor = renditions.find(({ id }) => id === task.resolution)
  if (!anchor) return []
  const progress = (await ledger.progress([task.video_id])).get(task.video_id) ?? []
  // While the ingest cuts, more tasks will follow than the ledger has now.
  const isGrowing = progress.some(({ kind, status }) => kindFacts(kind).createsTasks && status !== 'COMPLETED')
  const pending = renditions.flatMap((rendition) => {
    const waiting = progress.find(
      ({ kind, resolution, status }) => kind === task.kind && resolution === rendition.id && status === 'PENDING',
    )
    return waiting ? [{ rendition, count: waiting.count }] : []
  })
  return siblingsToTake({
    anchor,
    able: able.filter(({ id }) => pending.some(({ rendition }) => rendition.id === id)),
    pending,
    slots: isGrowing ? 1 : 1 + otherSlots(),
  })
}

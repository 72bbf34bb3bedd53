/**
 * How many renditions of one chunk a slot takes. Taking all of them decodes the chunk once: right while there is more
 * work than slots. Near the end it would leave the other slots idle, so a slot then takes only its share.
 *
 * The anchor is what the order of claims gave: the dearest pending rendition of the chunk; siblings fill up the share.
 */
import type { RenditionPlan } from '../../protocol/plan.ts'
import type { RenditionId } from '../../protocol/rendition.ts'

/** What decoding a chunk and scaling it to one rendition takes, in the unit of `RenditionPlan.cost`. */
export const FIXED_COST = 0.25

type Costed = Pick<RenditionPlan, 'id' | 'cost'>

export interface BatchingInput {
  readonly anchor: Costed
  /** Other renditions of the plan that this worker can do and of which tasks are PENDING. */
  readonly able: readonly Costed[]
  /** PENDING tasks of the video by rendition, the anchor's own no longer among them. */
  readonly pending: readonly { readonly rendition: Costed; readonly count: number }[]
  /** Slots of the whole mesh that could take them, busy ones too, at least 1 (this one). */
  readonly slots: number
}

const costOf = ({ cost }: Costed): number => cost + FIXED_COST

/** The siblings to ask for, dearest first. Asking for one that is taken is harmless. */
export function siblingsToTake({ anchor, able, pending, slots }: BatchingInput): RenditionId[] {
  const siblings = able.filter(({ id }) => id !== anchor.id).sort((a, b) => b.cost - a.cost)
  const chunkCost = siblings.reduce((sum, each) => sum + costOf(each), costOf(anchor))
  const open = pending.reduce((sum, { rendition, count }) => sum + costOf(rendition) * count, costOf(anchor))
  const share = open / Math.max(1, slots)
  if (share >= chunkCost) return siblings.map(({ id }) => id)
  const taken: RenditionId[] = []
  let cost = costOf(anchor)
  for (const each of siblings) {
    // Half a rendition over the share is nearer to it than half a rendition under it.
    if (cost + costOf(each) / 2 > share) continue
    taken.push(each.id)
    cost += costOf(each)
  }
  return taken
}

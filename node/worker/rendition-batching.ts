/**
 * Rendition batching: how many renditions of one chunk a slot takes. All of them decode the chunk once, which is best while there is more work
 * than slots. Near the end the other slots would be idle, so that a slot then takes only its share.
 *
 * The anchor is the claimed task: the rendition of the highest cost that is PENDING; siblings fill up the share.
 */
import type { RenditionPlan } from '../../protocol/plan.ts'

/** Cost of decoding a chunk and scaling it to one rendition, a share of one unit of `RenditionPlan.cost`. */
export const FIXED_COST = 0.25

/** Cost of the sound of a short film, beside `FIXED_COST`, in units of `RenditionPlan.cost`. */
export const SOUND_COST = 0.1

/** A rendition, or the sound. */
export interface Costed {
  readonly id: string
  readonly cost: RenditionPlan['cost']
  /** Whether it is not worth an attempt of its own: it goes with a rendition. */
  readonly isSmall?: boolean
}

/** The claimed rendition, and the waiting work and slots of the mesh. */
export interface BatchingInput {
  readonly anchor: Costed
  /** Other renditions of the plan that this worker can encode, with PENDING tasks. */
  readonly able: readonly Costed[]
  /** Number of PENDING tasks of the video by rendition, without the anchor. */
  readonly pending: readonly { readonly rendition: Costed; readonly count: number }[]
  /** Number of slots in the mesh that could take them, busy ones included; at least 1, this one. */
  readonly slots: number
}

/** Sharing a chunk among slots must be this much faster, as each of them decodes it: 0.4 s of CPU for a second of 1080p. */
const WORTH = 1.2

const costOf = ({ cost }: Costed): number => cost + FIXED_COST

/** The siblings to claim, highest cost first. A claim of a taken one does nothing. */
export function siblingsToTake({ anchor, able, pending, slots }: BatchingInput): string[] {
  const siblings = able.filter(({ id }) => id !== anchor.id).sort((a, b) => b.cost - a.cost)
  const chunkCost = siblings.reduce((sum, each) => sum + costOf(each), costOf(anchor))
  const open = pending.reduce((sum, { rendition, count }) => sum + costOf(rendition) * count, costOf(anchor))
  const share = open / Math.max(1, slots)
  const longest = Math.max(...[anchor, ...siblings].map(costOf))
  // One ffmpeg decodes beside its encodes.
  const together = chunkCost - FIXED_COST * (siblings.length + 1)
  if (share >= chunkCost || together <= WORTH * longest) return siblings.map(({ id }) => id)
  const taken = new Set<string>()
  let cost = costOf(anchor)
  // Behind the sound come the cheap ones: the dearest alone is the longest attempt of all.
  const isCheapest = siblings.every((each) => each.cost >= anchor.cost)
  for (const each of isCheapest ? siblings.toReversed() : siblings) {
    const isCompany = each.isSmall || (anchor.isSmall && taken.size === 0)
    // Take it where that is nearer to the share than leaving it.
    if (!isCompany && cost + costOf(each) / 2 > share) continue
    taken.add(each.id)
    cost += costOf(each)
  }
  return siblings.map(({ id }) => id).filter((id) => taken.has(id))
}

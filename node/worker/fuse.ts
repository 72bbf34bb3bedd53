/**
 * How many renditions of one chunk a slot takes. Taking all of them decodes the chunk once: right while there is more
 * work than slots. Near the end it would leave the other slots idle, so a slot then takes only its share.
 *
 * The anchor is the dearest pending rendition (`1080p` sorts before `480p` before `720p`); siblings fill up the share.
 */
import type { Resolution } from '../../protocol/ids.ts'

/** Encoding cost of a rendition relative to the others: pixels, and a constant for decoding and scaling. */
const COST: Record<Resolution, number> = { '480p': 0.17, '720p': 0.3, '1080p': 0.6 }

export interface FuseInput {
  readonly anchor: Resolution
  /** Renditions this worker can do and that exist in the plan, the anchor among them or not. */
  readonly able: readonly Resolution[]
  /** PENDING tasks by rendition, the anchor's own no longer among them. */
  readonly pending: Readonly<Partial<Record<Resolution, number>>>
  /** Slots of the whole mesh that could take them, busy ones too, at least 1 (this one). */
  readonly slots: number
}

/** The siblings to ask for, dearest first. Asking for one that is taken is harmless. */
export function siblingsToTake({ anchor, able, pending, slots }: FuseInput): Resolution[] {
  const siblings = able.filter((rung) => rung !== anchor).sort((a, b) => COST[b] - COST[a])
  const chunkCost = siblings.reduce((sum, rung) => sum + COST[rung], COST[anchor])
  const open = (Object.entries(pending) as [Resolution, number][]).reduce(
    (sum, [rung, n]) => sum + COST[rung] * n,
    COST[anchor],
  )
  const share = open / Math.max(1, slots)
  if (share >= chunkCost) return siblings
  const taken: Resolution[] = []
  let cost = COST[anchor]
  for (const rung of siblings) {
    // Half a rendition over the share is nearer to it than half a rendition under it.
    if (cost + COST[rung] / 2 > share) continue
    taken.push(rung)
    cost += COST[rung]
  }
  return taken
}

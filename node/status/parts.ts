/** The parts of a video that progress is shown by: its renditions, and the sound. */
import { kindFacts } from '../../protocol/kinds.ts'
import type { Counts } from '../../protocol/ledger.ts'

/** What tasks say of themselves in `resolution`: renditions first, in the order of their numbers, then what counts beside them. */
export function countedParts(tasks: Counts): string[] {
  const counted = tasks.filter(({ kind }) => kindFacts(kind).countsAsEncode)
  const isWhole = ({ kind }: Counts[number]) => Number(kindFacts(kind).scope === 'video')
  const inOrder = counted.toSorted(
    (a, b) => isWhole(a) - isWhole(b) || a.resolution.localeCompare(b.resolution, 'en', { numeric: true }),
  )
  return [...new Set(inOrder.map(({ resolution }) => resolution))]
}

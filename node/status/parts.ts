/** The parts of a video whose progress is shown: its renditions, and the audio. */
import { kindFacts } from '../../protocol/kinds.ts'
import type { Counts } from '../../protocol/ledger.ts'

/** The values of `resolution` of the tasks that count: renditions first, by their numbers, then other kinds. */
export function countedParts(tasks: Counts): string[] {
  const counted = tasks.filter(({ kind }) => kindFacts(kind).countsAsEncode)
  const isWhole = ({ kind }: Counts[number]) => Number(kindFacts(kind).scope === 'video')
  const inOrder = counted.toSorted(
    (a, b) => isWhole(a) - isWhole(b) || a.resolution.localeCompare(b.resolution, 'en', { numeric: true }),
  )
  return [...new Set(inOrder.map(({ resolution }) => resolution))]
}

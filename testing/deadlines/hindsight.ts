/**
 * The best order of a day that is known in advance: every arrival, every death. No algorithm finds the best of all orders in a reasonable
 * time, so this one searches, and simulates what an order holds: by increasing deadline, where a deadline is missed the
 * largest video of those that delayed it is let go (Moore and Hodgson), and those that were let go are tried again at the end.
 */
import type { VideoId } from '../../protocol/ids.ts'
import { type Arrival, type Day, fixedOrder, heldOf, simulate } from './deadline-day.ts'

/** Ids of the videos whose deadlines the best order that was found holds. `others`: orders of which the best is where the search starts. */
export function bestInHindsight(day: Day, found: readonly (readonly VideoId[])[]): readonly VideoId[] {
  const searched = search(day)
  return [...found, searched].reduce((best, held) => (held.length > best.length ? held : best))
}

function search(day: Day): readonly VideoId[] {
  const dated = day.arrivals.filter(({ deadline }) => deadline !== null)
  const wanted = new Set(dated.map(({ id }) => id))
  for (;;) {
    const { done, held } = run(day, wanted)
    const missed = byDeadline(dated).find(({ id }) => wanted.has(id) && !held.has(id))
    if (!missed) break
    wanted.delete(largestBefore(missed, dated, wanted, done).id)
  }
  const letGo = dated.filter(({ id }) => !wanted.has(id)).sort((a, b) => work(a) - work(b))
  for (const { id } of letGo) {
    wanted.add(id)
    const { held } = run(day, wanted)
    if ([...wanted].some((one) => !held.has(one))) wanted.delete(id)
  }
  return [...run(day, wanted).held]
}

const work = ({ chunks, units }: Arrival): number => chunks * units
const byDeadline = (videos: readonly Arrival[]): Arrival[] => videos.toSorted((a, b) => a.deadline! - b.deadline!)

/** The day where those that are wanted go first, by deadline, and all others last. */
function run(day: Day, wanted: ReadonlySet<VideoId>): { done: ReadonlyMap<VideoId, number>; held: Set<VideoId> } {
  const isWanted = ({ id }: Arrival) => wanted.has(id)
  const first = byDeadline(day.arrivals.filter(isWanted))
  const last = day.arrivals.filter((video) => !isWanted(video))
  const done = simulate(day, fixedOrder([...first, ...last].map(({ id }) => id)))
  return { done, held: new Set(heldOf(day, done)) }
}

/** Of the videos that were encoded while it waited, and itself, the one with the most work. */
function largestBefore(
  missed: Arrival,
  dated: readonly Arrival[],
  wanted: ReadonlySet<VideoId>,
  done: ReadonlyMap<VideoId, number>,
): Arrival {
  const delaying = dated.filter(
    ({ id, at, deadline }) =>
      wanted.has(id) && deadline! <= missed.deadline! && at <= done.get(missed.id)! && done.get(id)! >= missed.at,
  )
  return delaying.reduce((most, one) => (work(one) > work(most) ? one : most), missed)
}

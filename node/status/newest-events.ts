/**
 * The newest events of the mesh, as a status needs them at each look. They are kept here, and only what came since is read, as no event changes and
 * none appears below another.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger, LedgerEvent } from '../../protocol/ledger.ts'

/** Number of events that are kept. */
const KEPT = 500
/** Time after which all are read anew: somebody may have put back an older copy of the database. */
const ANEW_MS = 60_000

/** Makes the function that answers the newest events, newest last. It rejects with `LedgerUnavailable`. */
export function createNewestEvents(
  ledger: Pick<Ledger, 'events' | 'eventsAfter'>,
  clock: Pick<Clock, 'mono'>,
): () => Promise<readonly LedgerEvent[]> {
  let kept: readonly LedgerEvent[] = []
  let readAt = Number.NEGATIVE_INFINITY
  return async () => {
    const last = kept.at(-1)
    const began = clock.mono()
    const since = last && began - readAt < ANEW_MS ? await ledger.eventsAfter(last.n, KEPT) : null
    if (last === undefined || since === null || since.length === KEPT) {
      kept = await ledger.events(KEPT)
      readAt = began
    } else if (since.length > 0) {
      // Another look may have read some of them meanwhile.
      const newest = kept.at(-1)?.n ?? 0
      kept = [...kept, ...since.filter(({ n }) => n > newest)].slice(-KEPT)
    }
    return kept
  }
}

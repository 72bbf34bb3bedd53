/** A page of the events of the mesh. Every node answers the same: events are numbered. */
import type { EventPage, EventPageQuery } from '../../protocol/api-events.ts'
import type { Ledger } from '../../protocol/ledger.ts'

/** The page that is asked for. Rejects with `LedgerUnavailable`. */
export async function eventPage(
  ledger: Pick<Ledger, 'events'>,
  { limit, cursor, ...query }: EventPageQuery,
): Promise<EventPage> {
  const newest = (await ledger.events(limit + 1, { ...query, before: cursor })).reverse()
  const events = newest.slice(0, limit)
  return { events, next: newest.length > limit ? String(events.at(-1)!.n) : null }
}

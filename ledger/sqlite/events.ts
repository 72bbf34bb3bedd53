/** The events of the mesh, numbered by the table; a trigger of the schema keeps the newest 20,000. */
import type { EventQuery, LedgerEvent, NewEvent } from '../../protocol/ledger-event.ts'
import type { Row } from './schema.ts'
import type { Store } from './store.ts'

const ADD = 'INSERT INTO events (at, what, peer, video, text) VALUES (:now, :what, :peer, :video, :text)'
const SHOWN = 'SELECT n, at, what, peer, video, text FROM events'
const NEWEST = `${SHOWN} WHERE n < :before AND at >= :since AND at < :until AND (:video IS NULL OR video = :video)
  AND (:what IS NULL OR what IN (SELECT value FROM json_each(:what))) ORDER BY n DESC LIMIT :limit`
const AFTER = `${SHOWN} WHERE n > :n ORDER BY n LIMIT :limit`
const LAST = Number.MAX_SAFE_INTEGER

export async function addEvent(store: Store, { what, peer, video, text }: NewEvent): Promise<void> {
  await store.write('light', ADD, { what, peer, video, text })
}

export async function readEvents(store: Store, limit: number, query: EventQuery): Promise<LedgerEvent[]> {
  const { before = LAST, since = 0, until = LAST, video = null } = query
  const what = query.what ? JSON.stringify(query.what) : null
  return eventsIn(store, await store.read(NEWEST, { before, since, until, video, what, limit })).reverse()
}

export async function readEventsAfter(store: Store, n: number, limit: number): Promise<LedgerEvent[]> {
  return eventsIn(store, await store.read(AFTER, { n, limit }))
}

const eventsIn = (store: Store, rows: readonly Row[]): LedgerEvent[] =>
  store.documents.all(
    rows.map((row) => ({ ...row })),
    store.documents.event,
  )

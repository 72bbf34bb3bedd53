/** Events that `status` shows; a trigger of the schema keeps the newest 20,000. */
import type { LedgerEvent } from '../../protocol/ledger.ts'
import type { Store } from './store.ts'

const ADD = 'INSERT INTO events (at, what, peer, video, text) VALUES (:now, :what, :peer, :video, :text)'

export async function addEvent(store: Store, { what, peer, video, text }: Omit<LedgerEvent, 'at'>): Promise<void> {
  await store.write('light', ADD, { what, peer, video, text })
}

export async function readEvents(store: Store, limit: number): Promise<LedgerEvent[]> {
  const rows = await store.read('SELECT at, what, peer, video, text FROM events ORDER BY n DESC LIMIT :limit', {
    limit,
  })
  return store.documents
    .all(
      rows.map((row) => ({ ...row })),
      store.documents.event,
    )
    .reverse()
}

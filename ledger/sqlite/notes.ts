/** Notes of leases: one row for each key. */
import type { LeaseName } from '../../protocol/ledger.ts'
import type { Note } from '../steps.ts'
import type { Store } from './store.ts'

const SET = `INSERT INTO notes (lease, key, text, term) VALUES (:lease, :key, :text, :term)
  ON CONFLICT(lease, key) DO UPDATE SET text=:text, term=:term WHERE term <= :term RETURNING key`
const REMOVE = 'DELETE FROM notes WHERE lease=:lease AND key=:key AND term <= :term RETURNING key'

export async function setNote(store: Store, { lease, key, text, term }: Note): Promise<boolean> {
  return (await store.write('sure', text === null ? REMOVE : SET, { lease, key, text, term })).length > 0
}

export async function readNotes(store: Store, lease: LeaseName): Promise<ReadonlyMap<string, string>> {
  const rows = await store.read('SELECT key, text FROM notes WHERE lease=:lease ORDER BY key', { lease })
  return new Map(rows.map(({ key, text }) => [String(key), String(text)]))
}

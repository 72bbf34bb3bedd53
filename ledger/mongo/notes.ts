/** Notes of leases: one document for each key. */
import type { LeaseName } from '../../protocol/ledger.ts'
import type { Note } from '../steps.ts'
import { lit } from './bson.ts'
import type { Store } from './store.ts'

const idOf = (lease: LeaseName, key: string): string => JSON.stringify([lease, key])

/** Where a higher term wrote it, the pipeline leaves the document as it is; a repeated write of the same text counts as a change. */
export async function setNote(store: Store, { lease, key, text, term }: Note): Promise<boolean> {
  const _id = idOf(lease, key)
  if (text === null)
    return (await store.run(() => store.notes.deleteOne({ _id, term: { $lte: term } }))).deletedCount > 0
  const isOlder = { $lte: [{ $ifNull: ['$term', 0] }, term] }
  const replace = { $cond: [isOlder, lit({ _id, lease, key, text, term }), '$$ROOT'] }
  const options = { upsert: true, returnDocument: 'after' } as const
  const found = await store.run(() => store.notes.findOneAndUpdate({ _id }, [{ $replaceWith: replace }], options))
  return found?.term === term
}

export async function readNotes(store: Store, lease: LeaseName): Promise<ReadonlyMap<string, string>> {
  const found = await store.run(() => store.notes.find({ lease }, { sort: { key: 1 } }).toArray())
  return new Map(found.map(({ key, text }) => [String(key), String(text)]))
}

/** Reads of documents as the server stores them: one that has not changed since it was read is neither parsed nor checked again. */
import type { Collection, FindCursor, FindOptions } from 'mongodb'
import type { KeptDocuments } from '../kept-documents.ts'
import type { Doc } from './store.ts'
import { idIn } from './stored-bytes.ts'

/** Finds documents, not parsed. */
export const findRaw = (collection: Collection<Doc>, filter: object, options: FindOptions): FindCursor<Uint8Array> =>
  collection.find(filter, { ...options, raw: true }) as unknown as FindCursor<Uint8Array>

/** Answers of one found document what it is, null where it does not fit; `read` parses and checks one. */
export const keptOne =
  <Document>(
    kept: KeptDocuments<Uint8Array, Document>,
    read: (stored: Uint8Array) => Document | null,
  ): ((stored: Uint8Array) => Document | null) =>
  (stored) => {
    const id = idIn(stored)
    return id === null ? read(stored) : kept.of(id, stored, read)
  }

/** The documents that fit; `read` parses and checks one, and answers null where it does not fit. */
export const keptOf = <Document>(
  kept: KeptDocuments<Uint8Array, Document>,
  found: readonly Uint8Array[],
  read: (stored: Uint8Array) => Document | null,
): Document[] => found.map(keptOne(kept, read)).filter((document) => document !== null)

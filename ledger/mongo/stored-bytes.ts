/** Documents as the server sends them, not parsed yet. Pure. */
import type { StoredForm } from '../kept-documents.ts'

/** Of BSON: the type of a text, and where the text of a first field `_id` begins. */
const [STRING, ID_AT] = [2, 13]

/** The `_id` of a document where it is a text and the first field, as servers store it; else null. */
export function idIn(stored: Uint8Array): string | null {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  if (bytes.length < ID_AT || bytes[4] !== STRING || bytes.toString('latin1', 5, 9) !== '_id\0') return null
  return bytes.toString('utf8', ID_AT, ID_AT + bytes.readInt32LE(ID_AT - 4) - 1)
}

/** They are stored alike where all bytes are. What is kept is no part of the server's answer, which has many. */
export const BYTES: StoredForm<Uint8Array> = {
  isSame: (one, other) => Buffer.compare(one, other) === 0,
  copy: (stored) => new Uint8Array(stored),
}

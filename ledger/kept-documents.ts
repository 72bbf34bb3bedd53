/**
 * Documents as they were read last. One that is stored as it was then is neither parsed nor checked again, and is the same object: looks at all
 * open videos come often, and most of these have not changed. What a ledger answers is read only, so that many may have it.
 */
import { remember } from '../protocol/remember.ts'

/** Number of documents that are kept, about 4 kB each: more than wait in most queues. */
const KEPT_MAX = 4_096

/** The form in which a database answers documents. */
export interface StoredForm<Stored> {
  isSame(one: Stored, other: Stored): boolean
  /** What is kept of one: it may be part of a larger answer. */
  copy(stored: Stored): Stored
}

/** The documents of one kind of a ledger handle. */
export class KeptDocuments<Stored, Document> {
  readonly #kept = new Map<string, { readonly stored: Stored; readonly document: Document }>()
  readonly #form: StoredForm<Stored>
  readonly #most: number

  /** `most`: number of documents that are kept. */
  constructor(form: StoredForm<Stored>, most = KEPT_MAX) {
    this.#form = form
    this.#most = most
  }

  /** The document of this id; `read` parses and checks it where it is stored otherwise than before. Null where it does not fit. */
  of(id: string, stored: Stored, read: (stored: Stored) => Document | null): Document | null {
    const before = this.#kept.get(id)
    if (before !== undefined && this.#form.isSame(before.stored, stored)) return before.document
    const document = read(stored)
    if (document === null) this.#kept.delete(id)
    else remember(this.#kept, id, { stored: this.#form.copy(stored), document }, this.#most)
    return document
  }
}

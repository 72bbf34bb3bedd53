/**
 * Requests with a key of their client (`Idempotency-Key`), kept in the ledger: whichever node is asked again gives the first answer, also when the
 * node that gave it has ended since.
 */
import type { Sha256, Token } from './ids.ts'

/** A request as the ledger keeps it. */
export interface KeptRequest {
  /** The hash of what was asked. */
  readonly request: Sha256
  /** That of the node's try at it. */
  readonly token: Token
  /** The answer, as the node wrote it; null while it runs. */
  readonly answer: string | null
}

/** What the ledger does with kept requests. Every method rejects with `LedgerUnavailable`. */
export interface KeptRequests {
  /**
   * Begins the request of a key for `ms`, where none has begun or the last has expired; of this token, while it runs, it is renewed. Answers the
   * request that the key has then: it is begun if and only if it has this token. One call.
   */
  beginRequest(ask: { key: string; request: Sha256; token: Token; ms: number }): Promise<KeptRequest>
  /** Keeps the answer of a request of this token that runs, for `ms`; null forgets the request, so that it may be asked anew. */
  endRequest(end: { key: string; token: Token; answer: string | null; ms: number }): Promise<'changed' | 'unchanged'>
}

/** Characters of a key at most. */
export const REQUEST_KEY_MAX = 255
/** Answers that a ledger keeps, the newest: with 2 kB each 20 MB. */
export const REQUESTS_KEPT_MAX = 10_000
/** How long an answer is kept, ms: a client that asks again does so within a day. */
export const REQUEST_KEPT_MS = 24 * 3_600_000
/** How long a request that runs counts as such without a renewal, ms: after the death of its node it can be asked anew. */
export const REQUEST_RUNS_MS = 30_000

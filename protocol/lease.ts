/** Leases: expiring exclusive rights of one peer, each with a term that fences what its holder writes. */
import type { PeerId } from './ids.ts'

/**
 * The name of a lease: the leader's, or that of work which one peer at a time does on a shared folder (`shared-folder.ts`).
 * Each has its own holder and term.
 */
export type LeaseName = 'coordinator' | `watch:${string}` | `deliver:${string}`

/** A lease as the ledger holds it. */
export interface Lease {
  holder: PeerId | null
  nonce: string
  term: number
  /** Ms until it expires, by the ledger's clock; 0 when free. */
  remaining_ms: number
}

/** What the ledger holds of an event (events.ts). */
import type { PeerId, VideoId } from './ids.ts'

/** An event as the ledger stores it and `status` shows it. Written by `emit` (emitter.ts). */
export interface LedgerEvent {
  /** Ms since 1970, by the ledger's clock. */
  at: number
  /** An `EventCode`, or the code of a newer peer's event. */
  what: string
  peer: PeerId | null
  video: VideoId | null
  text: string
}

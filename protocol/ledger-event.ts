/** What the ledger holds of an event (events.ts), and by what events are asked for. */
import type { PeerId, VideoId } from './ids.ts'

/**
 * An event as the ledger stores it and `status` shows it. Written by `emit` (emitter.ts).
 *
 * Numbers are consecutive, and an event can be read by everybody before the next number is given: whoever has read all up to a number misses none
 * by asking for those after it, on whichever node. (SQLite may lose the last ones in a power cut, and gives their numbers again.)
 */
export interface LedgerEvent {
  /** Its number in this ledger: 1, 2, 3, … */
  n: number
  /** Ms since 1970, by the ledger's clock. */
  at: number
  /** An `EventCode`, or the code of a newer peer's event. */
  what: string
  peer: PeerId | null
  video: VideoId | null
  text: string
}

/** An event without what the ledger adds. */
export type NewEvent = Omit<LedgerEvent, 'n' | 'at'>

/** Which events are wanted; what is absent excludes none. */
export interface EventQuery {
  /** Number below which they are. */
  readonly before?: number | undefined
  /** Earliest time of an event, ms by the ledger's clock. */
  readonly since?: number | undefined
  /** Time before which they are, ms. */
  readonly until?: number | undefined
  readonly video?: VideoId | undefined
  /** Codes. */
  readonly what?: readonly string[] | undefined
}

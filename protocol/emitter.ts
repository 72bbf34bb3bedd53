/**
 * Raises domain events (events.ts): each is written to the log, counted, and appended to the ledger's events for people to read in `status`.
 * The one place that appends to the ledger's events.
 */
import { sentence } from './errors.ts'
import { type DomainEvent, EVENTS, type EventCode, eventText } from './events.ts'
import type { Ledger } from './ledger.ts'
import type { Log } from './log.ts'

/** Emits one event. Resolves when the ledger has stored it or failed to. Never rejects: nothing depends on an event. */
export type Emit = (event: DomainEvent) => Promise<void>

/** Where the emitter writes events. */
export interface EmitterOptions {
  readonly ledger: Pick<Ledger, 'addEvent'>
  readonly log: Log
  /** Called once for each event; absent where nothing is measured. */
  count?(code: EventCode): void
}

/** Makes an `Emit`. Its log line has the code as its message, and the fields below `event`, where they hide none of the log's own, such as `peer`. */
export function createEmitter({ ledger, log, count }: EmitterOptions): Emit {
  return async (event) => {
    const { code, ...fields } = event
    const text = eventText(event)
    log[EVENTS[code].level](code, { text, event: fields })
    count?.(code)
    const peer = 'peer' in event ? event.peer : null
    const video = 'video' in event ? event.video : null
    await ledger
      .addEvent({ what: code, peer, video, text })
      .catch((error: unknown) => log.warn('an event was not recorded', { code, error: sentence(error) }))
  }
}

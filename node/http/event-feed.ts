/**
 * The events of the mesh as they come, for any number of readers of this node. The ledger is polled once for all of them, only while there are some, and
 * what many wait for becomes bytes once.
 *
 * Promises: a reader gets all that is kept behind its number, each once, in order; what is not kept any more is said (`gap`). It is given one part
 * whenever it asks: a slow reader holds nothing here, and gets from the ledger what has gone from memory meanwhile.
 */
import type { EventFilter } from '../../protocol/api-events.ts'
import type { Clock } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { EVENT_READERS_MAX } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { remember } from '../../protocol/remember.ts'
import { beginText, type EventText, eventTexts, gapText, KEEP_ALIVE, textFor } from './event-text.ts'
import { RequestRefused } from './refusals.ts'

/** The events of the mesh for many readers. */
export interface EventFeed {
  /** Begins behind this number; null: with what comes from now on. Rejects with `RequestRefused` where too many read, and with `LedgerUnavailable`. */
  open(after: number | null, filter: EventFilter): Promise<EventReader>
}

/** A reader of the feed. */
export interface EventReader {
  /** What comes next, as soon as something does, or what keeps the connection. Rejects with `LedgerUnavailable`. */
  next(): Promise<Uint8Array>
  /** Ends it. Idempotent. */
  close(): void
}

/** The parts that it uses. */
export interface EventFeedModules {
  readonly ledger: Pick<Ledger, 'events' | 'eventsAfter'>
  readonly clock: Clock
  readonly log: Log
}

const POLL_MS = 500
const KEEP_ALIVE_MS = 15_000
/** How long a number that is not there yet is waited for: right after a failover a node may see less of the ledger than another one saw. */
const BEYOND_MS = 10_000
/** Events that are read at once, and those that are kept here. */
const [PAGE, KEPT_MAX] = [100, 256]
/** Parts that are kept as bytes: most readers wait behind the same number, without a filter. */
const PARTS_MAX = 32

const encoder = new TextEncoder()

/** The feed of a node; it does nothing before it is read. */
export function createEventFeed(modules: EventFeedModules): EventFeed {
  const feed = new Feed(modules)
  return { open: (after, filter) => feed.open(after, filter) }
}

class Feed {
  readonly #modules: EventFeedModules
  #readers = 0
  #stop = new AbortController()
  #started: Promise<void> = Promise.resolve()
  #woken = Promise.withResolvers<void>()
  /** The newest events, without a break, and the number of the newest one that is known. */
  #kept: readonly EventText[] = []
  #newest = 0
  /** The bytes of those who wait behind the same number with the same filter. */
  readonly #parts = new Map<string, Uint8Array>()

  constructor(modules: EventFeedModules) {
    this.#modules = modules
  }

  async open(after: number | null, filter: EventFilter): Promise<EventReader> {
    if (this.#readers >= EVENT_READERS_MAX)
      throw new RequestRefused(
        503,
        'too_many_readers',
        'too many clients follow the events of this node: ask another one, or later',
      )
    this.#readers++
    let isOpen = true
    const close = () => {
      if (isOpen && --this.#readers === 0) this.#stop.abort()
      isOpen = false
    }
    if (this.#readers === 1) this.#started = this.#start()
    try {
      await this.#started
    } catch (error) {
      close()
      throw error
    }
    return { ...this.#reader(after ?? this.#newest, filter), close }
  }

  #reader(after: number, filter: EventFilter): Pick<EventReader, 'next'> {
    let at = after
    let begin = beginText(after)
    const openedAt = this.#modules.clock.mono()
    const next = async (): Promise<Uint8Array> => {
      if (begin !== '') {
        const first = encoder.encode(begin)
        begin = ''
        return first
      }
      if (at < this.#newest) {
        const part = await this.#partAfter(at, filter)
        at = part.to
        return part.bytes
      }
      if (at > this.#newest && this.#modules.clock.mono() - openedAt >= BEYOND_MS) {
        const gap = { after: at, next: await this.#firstNumber() }
        at = gap.next - 1
        return encoder.encode(gapText(gap))
      }
      const before = this.#newest
      await this.#woken.promise
      return this.#newest === before ? encoder.encode(KEEP_ALIVE) : await next()
    }
    return { next }
  }

  async #partAfter(after: number, filter: EventFilter): Promise<{ bytes: Uint8Array; to: number }> {
    const [first] = this.#kept
    if (first === undefined || after < first.event.n - 1) {
      const events = eventTexts(await this.#modules.ledger.eventsAfter(after, PAGE), after)
      const to = events.at(-1)?.event.n ?? this.#newest
      const text = events.length > 0 ? textFor(events, filter) : gapText({ after, next: to + 1 })
      return { bytes: encoder.encode(text), to }
    }
    const key = JSON.stringify([after, filter.video, filter.what])
    const bytes = this.#parts.get(key) ?? encoder.encode(textFor(this.#kept.slice(after - first.event.n + 1), filter))
    remember(this.#parts, key, bytes, PARTS_MAX)
    return { bytes, to: this.#newest }
  }

  async #firstNumber(): Promise<number> {
    const [first] = await this.#modules.ledger.eventsAfter(0, 1)
    return first?.n ?? 1
  }

  async #start(): Promise<void> {
    this.#stop = new AbortController()
    const { signal } = this.#stop
    const [last] = await this.#modules.ledger.events(1)
    this.#kept = []
    this.#newest = last?.n ?? 0
    void this.#follow(signal)
    void this.#keepAlive(signal)
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#modules
    while (!signal.aborted) {
      const isMore = await this.#look(signal).catch((error: unknown) =>
        log.debug('events could not be read; retrying', { error: sentence(error) }),
      )
      if (isMore !== true) await clock.sleep(POLL_MS, signal).catch(() => {})
    }
  }

  /** Reads what has come since. Answers whether there may be more. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const events = await this.#modules.ledger.eventsAfter(this.#newest, PAGE)
    const last = events.at(-1)
    if (signal.aborted || last === undefined) return false
    this.#kept = [...this.#kept, ...eventTexts(events, this.#newest)].slice(-KEPT_MAX)
    this.#newest = last.n
    this.#parts.clear()
    this.#wake()
    return events.length === PAGE
  }

  async #keepAlive(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#modules.clock.sleep(KEEP_ALIVE_MS, signal).catch(() => {})
      this.#wake()
    }
  }

  #wake(): void {
    const { resolve } = this.#woken
    this.#woken = Promise.withResolvers()
    resolve()
  }
}

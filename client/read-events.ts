/** Follows the events of a mesh by server-sent events, over any number of connections, to one node after the other. */
import { createParser } from 'eventsource-parser'
import type { ApiEvent, EventGap } from '../protocol/api-events.ts'
import { EventsLost, ReelmeshRequestError } from './errors.ts'

/** Which events are wanted, and from where on. */
export interface EventAsk {
  /** Number of the last event that is known: what comes behind it is sent. Absent: what happens from now on. */
  readonly after?: number | undefined
  /** Only those of this video. */
  readonly video?: string | undefined
  /** Only those of these codes. */
  readonly what?: readonly string[] | undefined
  /** Ends the events, without an error. */
  readonly signal?: AbortSignal | undefined
  /** Called where events are no longer kept; without it they end with `EventsLost`. */
  onGap?(gap: EventGap): void
}

/** The nodes that are read from. */
interface Nodes {
  /** How many there are. */
  readonly nodes: number
  /** Turns to the next one. */
  next(): void
  /** Opens the stream. Rejects with `ReelmeshRequestError`, and as `fetch`. */
  open(ask: {
    query: Readonly<Record<string, string | undefined>>
    headers: Readonly<Record<string, string>>
    signal: AbortSignal
  }): Promise<Response>
}

/** A node sends something at least every 15 s. */
const SILENCE_MS = 45_000
/** Wait after all nodes failed once, the first and the longest. */
const WAIT_MS = { first: 500, most: 5_000 } as const
/** Characters of an event at most. */
const EVENT_MAX = 64 * 1024

/** The events, each once, in order. */
export async function* readEvents(nodes: Nodes, ask: EventAsk): AsyncGenerator<ApiEvent, void> {
  const { signal, onGap } = ask
  const place = { last: ask.after }
  for (let failures = 0; !signal?.aborted; ) {
    try {
      for await (const { event, data } of connection(nodes, ask, place)) {
        failures = 0
        if (event === undefined) yield data as ApiEvent
        else if (onGap) onGap(data as EventGap)
        else throw new EventsLost(data as EventGap)
      }
    } catch (error) {
      if (error instanceof EventsLost || (error instanceof ReelmeshRequestError && error.status !== 503)) throw error
    }
    nodes.next()
    if (++failures % nodes.nodes === 0) await pause(Math.min(WAIT_MS.first * failures, WAIT_MS.most), signal)
  }
}

interface Message {
  readonly event: 'gap' | undefined
  readonly data: unknown
}

/** What one connection sends, until it ends or is silent. `place.last` follows the numbers that have been read. */
async function* connection(
  nodes: Nodes,
  { video, what, signal }: EventAsk,
  place: { last: number | undefined },
): AsyncGenerator<Message, void> {
  const end = new AbortController()
  const onAbort = () => end.abort()
  signal?.addEventListener('abort', onAbort)
  let silence = setTimeout(onAbort, SILENCE_MS)
  const came: (Message & { readonly id: number })[] = []
  let id: number | undefined
  const parser = createParser({
    maxBufferSize: EVENT_MAX,
    onId: (text) => {
      id = Number(text)
    },
    onEvent: ({ event, data }) => {
      if (event === undefined || event === 'gap') came.push({ id: id!, event, data: JSON.parse(data) })
    },
  })
  try {
    const query = { video, what: what?.join(',') }
    const headers = place.last === undefined ? {} : { 'last-event-id': String(place.last) }
    const { body } = await nodes.open({ query, headers, signal: end.signal })
    const decoder = new TextDecoder()
    for await (const bytes of body ?? []) {
      clearTimeout(silence)
      silence = setTimeout(onAbort, SILENCE_MS)
      parser.feed(decoder.decode(bytes, { stream: true }))
      for (const message of came.splice(0)) {
        place.last = message.id
        yield message
      }
      // The number of what is not wanted comes without an event.
      place.last = id ?? place.last
    }
  } finally {
    clearTimeout(silence)
    signal?.removeEventListener('abort', onAbort)
    end.abort()
  }
}

/** Waits; resolves early where the signal aborts. */
const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })

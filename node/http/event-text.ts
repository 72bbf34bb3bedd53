/** Events of the mesh as the text of server-sent events. The id of each is its number. Pure. */
import type { EventFilter, EventGap } from '../../protocol/api-events.ts'
import type { LedgerEvent } from '../../protocol/ledger.ts'

/** An event as text. `gap`: what is said before it where it does not follow its predecessor. */
export interface EventText {
  readonly event: LedgerEvent
  readonly gap: string
  readonly text: string
}

/** Milliseconds after which a client that was cut off comes back. */
const RETRY_MS = 2_000

/** A comment, which keeps a connection. */
export const KEEP_ALIVE = ':\n\n'

/** The beginning of a stream that goes on behind this number. */
export const beginText = (after: number): string => `retry: ${RETRY_MS}\n${idText(after)}`

/** What says that events are not kept any more. */
export const gapText = (gap: EventGap): string => `event: gap\nid: ${gap.next - 1}\ndata: ${JSON.stringify(gap)}\n\n`

/** A number without an event: a client that comes back begins behind it. */
const idText = (n: number): string => `id: ${n}\n\n`

/** The events behind a number as texts. */
export function eventTexts(events: readonly LedgerEvent[], after: number): EventText[] {
  let last = after
  return events.map((event) => {
    const gap = event.n > last + 1 ? gapText({ after: last, next: event.n }) : ''
    last = event.n
    return { event, gap, text: `id: ${event.n}\ndata: ${JSON.stringify(event)}\n\n` }
  })
}

/** The text of them for a reader that wants some; it ends with the number of the last one, wanted or not. */
export function textFor(events: readonly EventText[], { video, what }: EventFilter): string {
  const isWanted = ({ event }: EventText): boolean =>
    (video === undefined || event.video === video) && (what === undefined || what.includes(event.what))
  const last = events.at(-1)
  const text = events.map((one) => one.gap + (isWanted(one) ? one.text : '')).join('')
  return last === undefined || isWanted(last) ? text : text + idText(last.event.n)
}

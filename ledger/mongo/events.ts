/**
 * The events of the mesh: a capped collection keeps the newest. The id of a document is the number of its event, and there is no counter.
 *
 * INVARIANT: number n + 1 is only taken by a writer that has seen number n acknowledged by a majority. So no number is ever left out, also where a
 * writer is killed, and a reader, who sees what a majority has, never sees a number appear below one that it has read.
 */
import type { EventQuery, LedgerEvent, NewEvent } from '../../protocol/ledger-event.ts'
import { date, fromBson, lit } from './bson.ts'
import type { EventDoc, Store } from './store.ts'

/** Ids of events; older versions of Reelmesh gave them texts. */
const NUMBERS = { $gt: 0, $lt: Number.MAX_SAFE_INTEGER }
const SHOWN = { _id: 0, n: '$_id', at: 1, what: 1, peer: 1, video: 1, text: 1 }

/**
 * Takes the first free number, in one command that answers who has it: also to a retry after a lost reply, by the token. It answers once all that
 * it has seen is acknowledged by a majority, so that the next number may be tried.
 */
export async function addEvent(store: Store, event: NewEvent): Promise<void> {
  const token = store.rng.token()
  const { what, peer, video, text } = event
  const options = { upsert: true, returnDocument: 'after', projection: { token: 1 } } as const
  for (let n = 0, tries = 0; ; tries++) {
    n = Math.max(n, await newestNumber(store)) + 1
    const fresh = { $mergeObjects: [lit({ _id: n, token, what, peer, video, text }), { at: '$$NOW' }] }
    const replace = { $replaceWith: { $cond: [{ $eq: [{ $type: '$token' }, 'missing'] }, fresh, '$$ROOT'] } }
    const found = await store.run(() => store.events.findOneAndUpdate({ _id: n }, [replace], options))
    if (found?.token === token) return
    await store.lost(tries)
  }
}

async function newestNumber(store: Store): Promise<number> {
  const newest = { sort: { _id: -1 }, limit: 1, projection: { _id: 1 } } as const
  const [found] = await store.run(() => store.events.find({ _id: NUMBERS }, newest).toArray())
  return Math.floor(found?._id ?? 0)
}

export async function readEvents(store: Store, limit: number, query: EventQuery): Promise<LedgerEvent[]> {
  const { before, since, until, video, what } = query
  const wanted = {
    _id: { ...NUMBERS, ...(before !== undefined && { $lt: before }) },
    ...((since !== undefined || until !== undefined) && {
      at: { ...(since !== undefined && { $gte: date(since) }), ...(until !== undefined && { $lt: date(until) }) },
    }),
    ...(video !== undefined && { video: { $eq: video } }),
    ...(what !== undefined && { what: { $in: what } }),
  }
  const found = await store.find(limit, (limit) =>
    store.events.find(wanted, { sort: { _id: -1 }, limit, projection: SHOWN }),
  )
  return eventsIn(store, found).reverse()
}

export async function readEventsAfter(store: Store, n: number, limit: number): Promise<LedgerEvent[]> {
  const after = { _id: { ...NUMBERS, $gt: n } }
  const found = await store.find(limit, (limit) =>
    store.events.find(after, { sort: { _id: 1 }, limit, projection: SHOWN }),
  )
  return eventsIn(store, found)
}

const eventsIn = (store: Store, found: readonly EventDoc[]): LedgerEvent[] =>
  store.documents.all(found.map(fromBson), store.documents.event)

/** The stream of events: server-sent events (WHATWG HTML, 9.2) that a client goes on with, on this node or another one, behind the last that it has. */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { z } from 'zod'
import { streamHeadersSchema, streamQuerySchema } from '../../protocol/api-events.ts'
import { sentence } from '../../protocol/errors.ts'
import type { Log } from '../../protocol/log.ts'
import type { EventFeed, EventReader } from './event-feed.ts'
import { misfit } from './refusals.ts'

/** What the route uses. */
export interface EventRoutesOptions {
  readonly events: EventFeed
  readonly log: Log
}

/** The route. Errors are thrown: the app that it is part of answers them. */
export function createEventRoutes({ events, log }: EventRoutesOptions): Hono<{ Bindings: Partial<HttpBindings> }> {
  const routes = new Hono<{ Bindings: Partial<HttpBindings> }>()
  routes.get('/v1/events/stream', async (c) => {
    const { last_event_id, ...filter } = valid(streamQuerySchema, queryOf(c.req.queries()), 'query')
    const header = valid(streamHeadersSchema, { 'last-event-id': c.req.header('last-event-id') || undefined }, 'header')
    const headers = {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // A proxy that collects answers would keep events back.
      'X-Accel-Buffering': 'no',
    }
    if (c.req.method !== 'GET') return c.body(null, 200, headers)
    const reader = await events.open(header['last-event-id'] ?? last_event_id ?? null, filter)
    return c.body(streamOf(reader, log), 200, headers)
  })
  return routes
}

/** The parameters as the other routes read them: one that is given twice is a list. */
const queryOf = (given: Readonly<Record<string, string[]>>): Readonly<Record<string, string | string[] | undefined>> =>
  Object.fromEntries(Object.entries(given).map(([name, all]) => [name, all.length > 1 ? all : all[0]]))

function valid<S extends z.ZodType>(schema: S, value: unknown, target: 'query' | 'header'): z.output<S> {
  const { success, data, error } = schema.safeParse(value)
  if (!success) throw misfit(error, target, value)
  return data
}

/** A stream that is read on as fast as its client takes it, and no faster. Where the ledger fails it ends: the client comes back. */
const streamOf = (reader: EventReader, log: Log): ReadableStream<Uint8Array> =>
  new ReadableStream(
    {
      async pull(controller) {
        try {
          controller.enqueue(await reader.next())
        } catch (error) {
          log.debug('a stream of events ends', { error: sentence(error) })
          reader.close()
          controller.close()
        }
      },
      cancel: () => reader.close(),
    },
    { highWaterMark: 0 },
  )

/** The client for programs, against the API of nodes on a listener each. */
import assert from 'node:assert/strict'
import { beforeEach, type TestContext, test } from 'node:test'
import type { NodeFace } from '../node/face.ts'
import { systemClock } from '../node/host/system-clock.ts'
import { type ApiModules, createApi } from '../node/http/api.ts'
import { createEventFeed } from '../node/http/event-feed.ts'
import { type HttpServer, serveHttp } from '../node/http/http-server.ts'
import { createLedgerModel } from '../protocol/conformance/model/ledger-model.ts'
import { LedgerUnavailable } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { silentLog } from '../protocol/log.ts'
import { EventsLost, ReelmeshClient, ReelmeshRequestError } from './client.ts'

const VIDEO = '0123456789abcdef' as VideoId
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:3'

let ledger: Ledger
/** Changes that nodes were asked for. */
let acts: string[]
/** First number that the ledger still has. */
let first: number

beforeEach(() => {
  const model = createLedgerModel({ now: () => 7, claimMs: 1, leaseMs: 1 })
  ;[acts, first] = [[], 1]
  const video = async (id: VideoId) => (id === VIDEO ? ({ _id: id, name: 'film', status: 'RUNNING' } as never) : null)
  const eventsAfter: Ledger['eventsAfter'] = (n, limit) => model.eventsAfter(Math.max(n, first - 1), limit)
  ledger = { ...model, video, eventsAfter }
})

/** A node by itself; its status has this name, or is not to be had. */
async function startNode(t: TestContext, name: string, isAway = false): Promise<HttpServer> {
  const face = {
    ledger,
    snapshot: async () => {
      if (isAway) throw new LedgerUnavailable('the ledger does not answer')
      return { self: name }
    },
    act: async (what: unknown) => acts.push(`${name} ${JSON.stringify(what)}`) && 'changed',
  } as unknown as NodeFace
  const events = createEventFeed({ ledger, clock: systemClock, log: silentLog })
  const api = createApi(face, { events, log: silentLog } as unknown as ApiModules)
  const server = await serveHttp(api, { host: '127.0.0.1', port: 0 })
  t.after(server.close)
  return server
}

const add = (text: string, what = 'note') => ledger.addEvent({ what, peer: null, video: VIDEO, text })

test('reads go to the next node where one does not answer, or has no ledger', async (t) => {
  const [away, there] = [await startNode(t, 'away', true), await startNode(t, 'there')]
  const client = new ReelmeshClient({ nodes: [NOWHERE, away.url, `${there.url}/`] })
  assert.equal((await client.status()).self, 'there')
  await assert.rejects(new ReelmeshClient({ nodes: away.url }).status(), { status: 503, code: 'ledger_away' })
  await assert.rejects(new ReelmeshClient({ nodes: [NOWHERE, NOWHERE] }).status(), /fetch failed/)
})

test('what a node refuses is an error with its code and sentence, and no other node is asked', async (t) => {
  const { url } = await startNode(t, 'one')
  const error = await new ReelmeshClient({ nodes: [url, NOWHERE] }).cancel('0000000000000000').catch((error) => error)
  assert.ok(error instanceof ReelmeshRequestError)
  assert.deepEqual([error.status, error.code], [404, 'unknown_video'])
  assert.match(error.message, /there is no video 0000000000000000/)
})

test('a change reaches one node', async (t) => {
  const [one, two] = [await startNode(t, 'one'), await startNode(t, 'two')]
  const client = new ReelmeshClient({ nodes: [NOWHERE, one.url, two.url] })
  assert.equal(await client.setPriority(VIDEO, 5), 'changed')
  assert.equal(await client.cancel(VIDEO), 'changed')
  assert.deepEqual(acts, ['one {"priority":5}', 'one "cancel"'])
})

test('a token is sent along', async () => {
  const seen: string[] = []
  const send = async (_: unknown, init?: RequestInit) => {
    seen.push(new Headers(init?.headers).get('authorization') ?? '')
    return Response.json({ videos: [{ id: seen.length }], next: seen.length < 2 ? '5-0123456789abcdef' : null })
  }
  const client = new ReelmeshClient({ nodes: NOWHERE, token: 'secret', fetch: send as typeof fetch })
  const videos = await Array.fromAsync(client.videos({ status: 'RUNNING' }), ({ id }) => Number(id))
  assert.deepEqual(
    [videos, seen],
    [
      [1, 2],
      ['Bearer secret', 'Bearer secret'],
    ],
  )
})

test('events go on at another node where one ends, each once', async (t) => {
  const [one, two] = [await startNode(t, 'one'), await startNode(t, 'two')]
  for (const text of ['a', 'b', 'c']) await add(text)
  const client = new ReelmeshClient({ nodes: [one.url, two.url] })
  assert.equal(await client.newestEvent(), 3)
  const seen: string[] = []
  for await (const { n, text } of client.events({ after: 1 })) {
    seen.push(`${n} ${text}`)
    if (seen.length === 2) {
      await one.close()
      await add('d')
      await add('e')
    }
    if (text === 'e') break
  }
  assert.deepEqual(seen, ['2 b', '3 c', '4 d', '5 e'])
})

test('only the events that are wanted are given, and the numbers of others are passed over', async (t) => {
  const [one, two] = [await startNode(t, 'one'), await startNode(t, 'two')]
  await add('a', 'leader')
  await add('b')
  const client = new ReelmeshClient({ nodes: [one.url, two.url] })
  const seen: string[] = []
  for await (const { text } of client.events({ after: 0, video: VIDEO, what: ['leader', 'failed'] })) {
    seen.push(text)
    if (seen.length === 1) {
      await one.close()
      // What was passed over is not asked for again: it may have gone.
      first = 3
      await add('c', 'failed')
    } else break
  }
  assert.deepEqual(seen, ['a', 'c'])
})

test('events that are no longer kept end the loop with an error, or are said', async (t) => {
  const { url } = await startNode(t, 'one')
  for (const text of ['a', 'b', 'c', 'd']) await add(text)
  first = 4
  const client = new ReelmeshClient({ nodes: url })
  await assert.rejects(client.events({ after: 1 }).next(), (error: unknown) => {
    assert.ok(error instanceof EventsLost)
    assert.deepEqual(error.gap, { after: 1, next: 4 })
    return true
  })
  const gaps: unknown[] = []
  const events = client.events({ after: 1, onGap: (gap) => void gaps.push(gap) })
  assert.equal((await events.next()).value?.text, 'd')
  await events.return()
  assert.deepEqual(gaps, [{ after: 1, next: 4 }])
})

test('an aborted signal ends the events without an error, also while no node answers', async (t) => {
  const { url } = await startNode(t, 'one')
  for (const nodes of [url, NOWHERE]) {
    const abort = new AbortController()
    const seen = Array.fromAsync(new ReelmeshClient({ nodes }).events({ signal: abort.signal }))
    setTimeout(() => abort.abort(), 100)
    assert.deepEqual(await seen, [])
  }
})

test('a wrong filter ends the events with what is wrong', async (t) => {
  const { url } = await startNode(t, 'one')
  await assert.rejects(new ReelmeshClient({ nodes: url }).events({ video: 'film' }).next(), { field: 'video' })
})

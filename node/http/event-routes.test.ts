/** Events over HTTP: pages, and the stream with its headers, parameters and ends. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { EventPage } from '../../protocol/api-events.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import type { NodeFace } from '../face.ts'
import { systemClock } from '../host/system-clock.ts'
import { type ApiModules, createApi } from './api.ts'
import { createEventFeed, type EventFeed, type EventReader } from './event-feed.ts'
import { serveHttp } from './http-server.ts'

const VIDEO = '0123456789abcdef' as VideoId

async function stage({ events = 5 } = {}) {
  const ledger = createLedgerModel({ now: () => 7, claimMs: 1, leaseMs: 1 })
  for (let n = 1; n <= events; n++)
    await ledger.addEvent({ what: n % 2 ? 'note' : 'leader', peer: null, video: n > 3 ? VIDEO : null, text: `${n}` })
  const feed = createEventFeed({ ledger, clock: systemClock, log: silentLog })
  let opened = 0
  const open = new Set<EventReader>()
  const counted: EventFeed = {
    async open(...given) {
      const reader = await feed.open(...given)
      opened++
      open.add(reader)
      return {
        ...reader,
        close: () => {
          open.delete(reader)
          reader.close()
        },
      }
    },
  }
  const api = createApi({ ledger } as NodeFace, { events: counted, log: silentLog } as ApiModules)
  return { ledger, api, opened: () => opened, open: () => open.size }
}

test('pages follow each other from the newest event to the first, with filters', async () => {
  const { api } = await stage()
  const numbers = async (query: string) => {
    const { events, next } = (await (await api.request(`/v1/events${query}`)).json()) as EventPage
    return [events.map(({ n }) => n), next]
  }
  assert.deepEqual(await numbers(''), [[5, 4, 3, 2, 1], null])
  assert.deepEqual(await numbers('?limit=2'), [[5, 4], '4'])
  assert.deepEqual(await numbers('?limit=2&cursor=4'), [[3, 2], '2'])
  assert.deepEqual(await numbers('?limit=2&cursor=2'), [[1], null])
  assert.deepEqual(await numbers(`?video=${VIDEO}`), [[5, 4], null])
  assert.deepEqual(await numbers('?what=leader,failed'), [[4, 2], null])
  assert.deepEqual(await numbers('?since=8'), [[], null])
  assert.deepEqual(await numbers('?until=8&limit=1'), [[5], '5'])
})

for (const [query, field] of [
  ['?limit=0', 'limit'],
  ['?limit=501', 'limit'],
  ['?cursor=-1', 'cursor'],
  ['?video=film', 'video'],
  ['?what=a,,b', 'what'],
  ['?what=nope', 'what'],
  ['?since=yesterday', 'since'],
  ['/stream?what=leader,nope', 'what'],
  ['/stream?what=leader&what=failed', 'what'],
  ['/stream?last_event_id=x', 'last_event_id'],
  ['/stream?limit=5', 'limit'],
] as const)
  test(`a parameter that is wrong is named: ${query}`, async () => {
    const { api, opened } = await stage()
    const answer = await api.request(`/v1/events${query}`)
    const { field: named, detail } = (await answer.json()) as { field: string; detail: string }
    assert.deepEqual([answer.status, named, opened()], [400, field, 0])
    if (query.includes('nope')) assert.match(detail, /^what: "nope" is no event: give some of leader, peer_lost, /)
  })

test('a stream begins behind the header, else behind the parameter, else with what comes', async () => {
  const { api, ledger } = await stage()
  const begin = async (query: string, headers: Readonly<Record<string, string>> = {}) => {
    const { status, headers: got, body } = await api.request(`/v1/events/stream${query}`, { headers })
    assert.deepEqual(
      [status, got.get('content-type'), got.get('cache-control')],
      [200, 'text/event-stream', 'no-store'],
    )
    const reader = body!.getReader()
    const text = async () => Buffer.from((await reader.read()).value as Uint8Array).toString()
    return { begun: (await text()).split('\n')[1], text, end: () => reader.cancel() }
  }
  const both = await begin('?last_event_id=1', { 'last-event-id': '3' })
  const parameter = await begin('?last_event_id=4', { 'last-event-id': '' })
  const now = await begin('')
  assert.deepEqual([both.begun, parameter.begun, now.begun], ['id: 3', 'id: 4', 'id: 5'])
  const event = '{"what":"leader","peer":null,"video":"0123456789abcdef","text":"4","n":4,"at":7}'
  assert.ok((await both.text()).startsWith(`id: 4\ndata: ${event}\n\nid: 5\n`))
  assert.match(await parameter.text(), /^id: 5\n/)
  await ledger.addEvent({ what: 'note', peer: null, video: null, text: 'six' })
  assert.match(await now.text(), /^id: 6\n/)
  assert.equal((await api.request('/v1/events/stream', { headers: { 'last-event-id': 'x' } })).status, 400)
  for (const { end } of [both, parameter, now]) await end()
})

test('a reader that has gone holds no place, nor does HEAD; one that reads nothing is disconnected', async (t) => {
  const { api, ledger, opened, open } = await stage({ events: 0 })
  const server = await serveHttp(api, { host: '127.0.0.1', port: 0 }, { silenceMs: 1_000 })
  t.after(server.close)
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.equal((await fetch(`${server.url}/v1/events/stream`, { method: 'HEAD' })).status, 200)
  assert.equal(opened(), 0)
  const abandoned = new AbortController()
  const { body } = await fetch(`${server.url}/v1/events/stream`, { signal: abandoned.signal })
  await body!.getReader().read()
  assert.equal(open(), 1)
  abandoned.abort()
  await until(() => open() === 0)
  for (let n = 0; n < 20_000; n++)
    await ledger.addEvent({ what: 'note', peer: null, video: null, text: 'x'.repeat(600) })
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write('GET /v1/events/stream?last_event_id=0 HTTP/1.1\r\nHost: localhost\r\n\r\n')
  socket.on('error', () => {})
  await until(() => open() === 1)
  await until(() => open() === 0)
  socket.destroy()
})

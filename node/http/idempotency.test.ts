/** A POST with a key at two nodes of one ledger: done once, and answered alike by both. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSqliteLedger } from '../../ledger/sqlite/sqlite-ledger.ts'
import { REQUEST_KEPT_MS, REQUEST_RUNS_MS } from '../../protocol/kept-request.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import type { NodeFace } from '../face.ts'
import { systemRng as rng, systemClock } from '../host/system-clock.ts'
import { type ApiModules, createApi } from './api.ts'
import type { HttpEnv } from './http-env.ts'

let now = 1e12
const clock = { ...systemClock, now: () => now }
let ledger: Ledger
let submits: string[]
let fails: Error | null
let holds: Promise<void> | null
let timers: (() => void)[]
beforeEach(async (t) => {
  ledger = createSqliteLedger({ path: ':memory:', clock, rng, log: silentLog })
  await ledger.open()
  submits = []
  fails = null
  holds = null
  timers = []
  ;(t as unknown as { after?(act: () => unknown): void }).after?.(() => ledger.close())
})

function node(name: string) {
  const face = {
    ledger,
    submit: async ({ path }: { path: string }) => {
      submits.push(`${name} ${path}`)
      await holds
      if (fails) throw fails
      return { id: `video ${submits.length}`, name: 'film', outcome: 'created', status: 'QUEUED' }
    },
  } as unknown as NodeFace
  const timer = (_: number, act: () => void) => {
    timers.push(act)
    return () => {}
  }
  const api = createApi(face, { clock: { timer }, rng, log: silentLog } as unknown as ApiModules)
  return async (key: string | null, body: unknown = { path: '/a', recipe: {} }, path = '/v1/videos') => {
    const headers = { 'content-type': 'application/json', ...(key !== null && { 'idempotency-key': key }) }
    const env: HttpEnv['Bindings'] = { folders: 'any' }
    const response = await api.request(path, { method: 'POST', headers, body: JSON.stringify(body) }, env)
    const { id, code } = (await response.json()) as { id?: string; code?: string }
    return [response.status, id ?? code, response.headers.get('content-type')?.replace('; charset=UTF-8', '')]
  }
}

const DONE = [201, 'video 1', 'application/json']
const problem = (status: number, code: string) => [status, code, 'application/problem+json']

test('a repeated request is not done again, and any node gives the first answer, for a day', async () => {
  const [a, b] = [node('a'), node('b')]
  assert.deepEqual(await a('"key 1"'), DONE)
  for (const ask of [a, b, node('one that was not there before')]) assert.deepEqual(await ask('"key 1"'), DONE)
  assert.deepEqual(submits, ['a /a'])
  assert.deepEqual(await b('key-2'), [201, 'video 2', 'application/json'])
  assert.deepEqual(await a('"key-2"'), [201, 'video 2', 'application/json'], 'quotes are none of it')
  assert.deepEqual(await a(null), [201, 'video 3', 'application/json'])
  now += REQUEST_KEPT_MS + 1
  assert.deepEqual(await b('"key 1"'), [201, 'video 4', 'application/json'])
})

test('a key of another request, and one of a request that runs, are refused', async () => {
  const [a, b] = [node('a'), node('b')]
  const { promise, resolve } = Promise.withResolvers<void>()
  holds = promise
  const first = a('key')
  while (submits.length === 0) await sleep(1)
  assert.deepEqual(await b('key'), problem(409, 'request_runs'))
  // It runs longer than a request without renewal.
  for (let renewals = 0; renewals < 4; renewals++) {
    now += REQUEST_RUNS_MS / 2
    timers.shift()!()
    await ledger.now()
  }
  assert.deepEqual(await b('key'), problem(409, 'request_runs'))
  for (const [body, path] of [
    [{ path: '/b', recipe: {} }, '/v1/videos'],
    [{ path: '/a', recipe: {} }, '/v1/videos/0123456789abcdef/cancel'],
  ] as const)
    assert.deepEqual(await b('key', body, path), problem(422, 'key_of_another_request'))
  resolve()
  assert.deepEqual([await first, await b('key'), submits.length], [DONE, DONE, 1])
})

test('a request whose node has ended is done by the next one that is asked, after a while', async () => {
  const [a, b] = [node('a'), node('b')]
  holds = new Promise(() => {})
  void a('key')
  while (submits.length === 0) await sleep(1)
  holds = null
  now += REQUEST_RUNS_MS + 1
  assert.deepEqual(await b('key'), [201, 'video 2', 'application/json'])
})

test('a refusal is an answer as others, and a failure of the node is none', async () => {
  const a = node('a')
  assert.deepEqual(await a('refused', { path: 'a', recipe: {} }), problem(422, 'bad_request'))
  assert.deepEqual(await a('refused', { path: '/a', recipe: {} }), problem(422, 'key_of_another_request'))
  fails = new Error('a bug')
  assert.deepEqual(await a('failed'), problem(500, 'unexpected'))
  fails = null
  assert.deepEqual(await a('failed'), [201, 'video 2', 'application/json'])
})

test('what is no key is refused', async () => {
  for (const key of ['""', 'a b', '"a', 'ä', 'x'.repeat(256), '"a", "b"'])
    assert.deepEqual(await node('a')(key), problem(400, 'bad_request'), key)
  assert.deepEqual(submits, [])
})

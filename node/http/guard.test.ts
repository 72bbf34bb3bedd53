/** What stands before the routes on TCP, without a socket. What it refuses is in test/hostile/http.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HTTP_RATE } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { NodeFace } from '../face.ts'
import { type ApiModules, createApi } from './api.ts'
import { type GuardOptions, guarded } from './guard.ts'
import { parseTokens, type Token } from './tokens.ts'

const [A, B] = ['https://a.example', 'https://b.example']
/** The origin of another node's pages. */
const NODE = 'http://127.0.0.1:8081'
const FILE = '/v1/videos/0123456789abcdef/hls/a.mp4'
const CANCEL = '/v1/videos/0123456789abcdef/cancel'
let now = 0

const LOOPBACK: GuardOptions = {
  isLoopback: true,
  isTls: false,
  isBehindProxy: false,
  hosts: [],
  origins: [],
  folders: [],
  tokens: () => [],
}

function asker(options: Partial<GuardOptions> = {}) {
  const face = { ladders: {}, ledger: { video: async () => ({}) }, act: async () => 'changed' } as unknown as NodeFace
  const api = createApi(face, { log: silentLog } as ApiModules)
  const { ledger } = face
  const others = { urls: () => [NODE], areOrigin: (origin: string) => origin === NODE }
  const modules = { api, ledger, others, clock: { mono: () => now }, log: silentLog }
  const guard = guarded({ ...LOOPBACK, ...options }, modules)
  return async (
    path: string,
    headers: Readonly<Record<string, string>> = {},
    { method = 'GET', address = '127.0.0.1' } = {},
  ) =>
    await guard.request(path, { method, headers: { host: '127.0.0.1:80', ...headers } }, {
      incoming: { socket: { remoteAddress: address } },
    } as never)
}

test('it is called by names and addresses of loopback', async () => {
  const ask = asker()
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1', '127.8.9.1:80', '[::1]:8080'])
    assert.equal((await ask('/healthz', { host })).status, 200, host)
})

test('beyond loopback it is called by any address and by its own names, and by no other name', async () => {
  const ask = asker({ isLoopback: false, hosts: ['media.example.org'] })
  for (const host of ['localhost', '192.168.1.20:8080', '[fd00::1]:80', 'media.example.org', 'Media.Example.org:443'])
    assert.equal((await ask('/healthz', { host })).status, 200, host)
  for (const host of [
    'evil.example',
    'media.example.org.evil.example',
    '1.2.3.4.evil.example',
    '[fd00::1].evil.example',
  ])
    assert.equal((await ask('/healthz', { host })).status, 421, host)
})

test('what a proxy says of a caller counts only where the configuration names one', async () => {
  const headers = {
    'content-type': 'application/json',
    origin: 'https://media.example.org',
    'x-forwarded-host': 'media.example.org',
    'x-forwarded-proto': 'https',
  }
  const status = async (options: Partial<GuardOptions>) =>
    (await asker({ hosts: ['media.example.org'], ...options })(CANCEL, headers, { method: 'POST' })).status
  assert.deepEqual(
    [await status({ isBehindProxy: true }), await status({ isBehindProxy: true, hosts: [] })],
    [200, 421],
  )
  assert.equal(await status({}), 403)

  const floods = async (isBehindProxy: boolean, forwarded: (n: number) => string) => {
    const ask = asker({ isBehindProxy })
    for (let n = 0; n <= HTTP_RATE.burst; n++)
      if ((await ask('/healthz', { 'x-forwarded-for': forwarded(n) })).status === 429) return true
    return false
  }
  assert.ok(await floods(false, (n) => `10.0.0.${n}`), 'a caller invents addresses')
  assert.ok(
    await floods(true, (n) => `10.0.0.${n}, 192.168.1.7`),
    'a caller invents addresses before that of the proxy',
  )
  assert.ok(!(await floods(true, (n) => `192.168.1.${n}`)), 'many callers behind a proxy')
})

const [VIEW, OPERATE] = ['view-0123456789abcdef', 'operate-0123456789abcdef']
const tokens = parseTokens(`view ${VIEW}\noperate ${OPERATE}`) as readonly Token[]
const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`

test('where there are tokens one of them is needed, by its role, for all but what every node shows', async () => {
  const ask = asker({ tokens: () => tokens })
  const statuses = async (authorization?: string) => {
    const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) }
    const asked = [ask('/v1/ladders', headers), ask(CANCEL, headers, { method: 'POST' }), ask('/healthz', headers)]
    return (await Promise.all(asked)).map(({ status }) => status)
  }
  for (const header of [`Bearer ${VIEW}`, `bearer ${VIEW}`, basic(VIEW)])
    assert.deepEqual(await statuses(header), [200, 403, 200], header)
  for (const header of [`Bearer ${OPERATE}`, basic(OPERATE)]) assert.deepEqual(await statuses(header), [200, 200, 200])
  const wrong = [
    `Bearer ${VIEW}x`,
    `Bearer ${VIEW.slice(0, -1)}`,
    'Bearer',
    `Digest ${VIEW}`,
    basic(''),
    VIEW,
    'Basic x',
  ]
  for (const header of [undefined, ...wrong]) assert.deepEqual(await statuses(header), [401, 401, 200], String(header))
  for (const page of ['/docs', '/docs/swagger-ui.css', '/openapi.json'])
    assert.equal((await ask(page)).status, 200, page)
  assert.match((await ask('/v1/status')).headers.get('www-authenticate') ?? '', /^Basic .*, Bearer /)
})

test('who guesses tokens is soon answered no more', async () => {
  const ask = asker({ tokens: () => tokens })
  let guesses = 0
  while ((await ask('/v1/ladders', { authorization: `Bearer ${'x'.repeat(30)}${guesses}` })).status === 401) guesses++
  assert.equal(guesses, HTTP_RATE.burst / HTTP_RATE.wrongToken)
})

test('pages of other origins may use the API where they are named, and with * read packages only', async () => {
  const allowed = async (origin: string, origins: readonly string[], path = '/healthz') =>
    (await asker({ origins })(path, { origin })).headers.get('access-control-allow-origin')
  assert.equal(await allowed(A, []), null)
  assert.equal(await allowed(A, [A, B]), A)
  assert.equal(await allowed(B, [A]), null)
  assert.equal(await allowed(B, ['*']), null)
  assert.equal(await allowed(B, ['*'], FILE), '*')
  assert.equal(await allowed(A, ['*', A], FILE), A)
})

test('pages of other nodes read what players do, and no more', async () => {
  const allowed = async (path: string) =>
    (await asker()(path, { origin: NODE })).headers.get('access-control-allow-origin')
  assert.equal(await allowed(FILE), NODE)
  assert.equal(await allowed('/watch/0123456789abcdef/about.json'), NODE)
  for (const path of ['/healthz', '/v1/status', '/watch/0123456789abcdef'])
    assert.equal(await allowed(path), null, path)
})

test('a named origin is allowed to change something, and no other one, whatever may be read', async () => {
  const change = async (origin: string, origins: readonly string[]) => {
    const headers = { origin, 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' }
    return (await asker({ origins })(CANCEL, headers, { method: 'POST' })).status
  }
  assert.deepEqual([await change(A, [A]), await change(B, [A]), await change(B, ['*'])], [200, 403, 403])
})

test('a preflight of a named origin allows ranges and JSON, and that of another nothing', async () => {
  const preflight = async (origin: string) => {
    const headers = { origin, 'access-control-request-method': 'POST' }
    return (await asker({ origins: [A] })(CANCEL, headers, { method: 'OPTIONS' })).headers
  }
  const headers = await preflight(A)
  assert.equal(headers.get('access-control-allow-methods'), 'GET,HEAD,POST,PATCH,DELETE')
  assert.match(headers.get('access-control-allow-headers') ?? '', /Tus-Resumable,Upload-Length/)
  assert.match(headers.get('access-control-allow-headers') ?? '', /Content-Type,Idempotency-Key,Last-Event-ID,Range/)
  assert.equal((await preflight(B)).get('access-control-allow-origin'), null)
})

test('requests of one address have a rate, and those that change something count more', async () => {
  const ask = asker()
  const refusedAfter = async (method: string, address: string) => {
    for (let asked = 0; ; asked++) {
      const headers = { 'content-type': 'application/json' }
      const { status, headers: got } = await ask(method === 'GET' ? '/healthz' : CANCEL, headers, { method, address })
      if (status !== 200) return [status, got.get('retry-after'), asked]
    }
  }
  assert.deepEqual(await refusedAfter('GET', '127.0.0.1'), [429, '1', HTTP_RATE.burst])
  now += 1_000
  assert.deepEqual(await refusedAfter('GET', '127.0.0.1'), [429, '1', HTTP_RATE.perS])
  assert.deepEqual(await refusedAfter('POST', '127.0.0.2'), [429, '1', HTTP_RATE.burst / HTTP_RATE.change])
})

test('addresses of one IPv6 network share a rate, and those of others have their own', async () => {
  const ask = asker()
  const isRefused = async (addressOf: (n: number) => string) => {
    for (let n = 1; n <= HTTP_RATE.burst + 1; n++)
      if ((await ask('/healthz', {}, { address: addressOf(n) })).status === 429) return true
    return false
  }
  assert.ok(await isRefused((n) => `2001:db8:0:a::${n.toString(16)}`))
  assert.ok(await isRefused((n) => (n % 2 ? '2001:0DB8:0:b:1:2:3:4' : '2001:db8::b:0:0:0:1')))
  assert.ok(!(await isRefused((n) => `2001:db8:0:c${n.toString(16)}::1`)))
  assert.ok(!(await isRefused((n) => `::ffff:10.0.${n >> 8}.${n & 255}`)))
})

test('answers may not be taken for other types, nor be framed', async () => {
  const { headers } = await asker()('/healthz')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.equal(headers.get('x-frame-options'), 'SAMEORIGIN')
  assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin')
})

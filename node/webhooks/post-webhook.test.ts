/** Posting to real servers on loopback: what arrives, what is answered to the leader, and where nothing is sent. */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'
import { systemClock } from '../host/system-clock.ts'
import { type AllowedPrivate, createAddressRules } from './address-rules.ts'
import { createPostWebhook, type PostOptions, retryAfterMs, withoutSecret } from './post-webhook.ts'
import { parseSecrets, type WebhookSecret } from './signature.ts'

const SECRET = `whsec_${Buffer.from('a secret of this test, 32 bytes.').toString('base64')}`
const BODY = '{"type":"video.completed","name":"Füße"}'
const never = new AbortController().signal

async function server(t: Ends, answer: RequestListener): Promise<string> {
  const listening = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => listening.once('listening', resolve))
  atEnd(t, () => {
    listening.closeAllConnections()
    listening.close()
  })
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

const sender = (allowed: AllowedPrivate, more: Partial<PostOptions> = {}) =>
  createPostWebhook({
    secrets: parseSecrets(SECRET) as readonly WebhookSecret[],
    rules: createAddressRules(allowed),
    clock: systemClock,
    version: '1',
    ...more,
  })
const attempt = (url: string) => ({ id: '7-0123456789abcdef', url, body: BODY })

/** Answers these addresses for every name, and counts. */
function names(...addresses: string[]) {
  const asked: string[] = []
  const lookup = ((name: string, _options: unknown, done: (...given: unknown[]) => void) => {
    asked.push(name)
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as unknown as NonNullable<PostOptions['lookup']>
  return { lookup, asked }
}

test('a message arrives as it is, with a signature that the library takes, and its status and Retry-After come back', async (t) => {
  const got: unknown[] = []
  const url = await server(t, async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    got.push([request.method, request.url, request.headers['content-type'], request.headers['webhook-id']])
    new Webhook(SECRET).verify(body, request.headers as Record<string, string>)
    response.writeHead(request.url === '/busy' ? 503 : 204, { 'retry-after': '7' }).end()
  })
  const send = sender(['127.0.0.1'])
  assert.deepEqual(await send(attempt(`${url}/hook?token=x`), never), { status: 204, retry_after_ms: 7_000 })
  assert.deepEqual(await send(attempt(`${url}/busy`), never), { status: 503, retry_after_ms: 7_000 })
  assert.deepEqual(got, [
    ['POST', '/hook?token=x', 'application/json', '7-0123456789abcdef'],
    ['POST', '/busy', 'application/json', '7-0123456789abcdef'],
  ])
})

test('a redirect is not followed, and an endless answer is not read to its end', async (t) => {
  let asked = 0
  const url = await server(t, (request, response) => {
    asked++
    if (request.url === '/away') return void response.writeHead(307, { location: '/hook' }).end()
    response.writeHead(200)
    const more = () => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', more)
    }
    more()
  })
  const send = sender(true)
  assert.deepEqual(await send(attempt(`${url}/away`), never), { status: 307, retry_after_ms: null })
  assert.equal(asked, 1)
  assert.deepEqual(await send(attempt(`${url}/endless`), never), { status: 200, retry_after_ms: null })
})

test('what does not answer in time, breaks, or does not listen is a problem in words', async (t) => {
  const silent = await server(t, () => {})
  const send = sender(true, { timeoutMs: 200 })
  assert.deepEqual(await send(attempt(silent), never), { problem: 'no answer within 0.2 s', retry_after_ms: null })
  const rude = createTcp((socket) => socket.resume().end('no HTTP at all\r\n\r\n')).listen(0, '127.0.0.1')
  await new Promise((resolve) => rude.once('listening', resolve))
  const port = (rude.address() as AddressInfo).port
  assert.match(JSON.stringify(await send(attempt(`http://127.0.0.1:${port}/`), never)), /^\{"problem":"[^"]+"/)
  await new Promise((resolve) => rude.close(resolve))
  const nobody = await send(attempt(`http://127.0.0.1:${port}/`), never)
  assert.deepEqual(nobody, { problem: 'nothing listens there', retry_after_ms: null })
  const aborted = AbortSignal.abort(new Error('the term is over'))
  await assert.rejects(send(attempt(silent), aborted), /the term is over/)
})

test('nothing is sent to a private address, also where only one of several of a name is private', async (t) => {
  let asked = 0
  const url = await server(t, (_, response) => {
    asked++
    response.end()
  })
  const { port } = new URL(url)
  const refused = (answer: unknown) => assert.match(JSON.stringify(answer), /is no public address/)
  refused(await sender(false)(attempt(url), never))
  for (const addresses of [['127.0.0.1'], ['1.1.1.1', '127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['169.254.169.254']])
    refused(await sender(false, names(...addresses))(attempt(`http://hook.example:${port}/`), never))
  assert.equal(asked, 0)
})

test('a name is looked up once, and the connection goes to the address that was checked', async (t) => {
  let host = ''
  const url = await server(t, (request, response) => {
    host = request.headers.host ?? ''
    response.end()
  })
  const { port } = new URL(url)
  const known = names('127.0.0.1')
  const answer = await sender(['hook.example'], known)(attempt(`http://hook.example:${port}/`), never)
  assert.deepEqual(answer, { status: 200, retry_after_ms: null })
  assert.deepEqual([known.asked, host], [['hook.example'], `hook.example:${port}`])
})

test('a leader without a secret sends nothing, and says so', async () => {
  const answer = await withoutSecret('cedar')(attempt('https://example.org/'), never)
  assert.deepEqual(answer, {
    problem: 'not sent: cedar leads, and has no webhook_secret to sign with',
    retry_after_ms: 60_000,
  })
})

test('Retry-After is seconds or a date, and nothing in the past', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  assert.equal(retryAfterMs('120', now), 120_000)
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000)
  assert.equal(retryAfterMs('999999999', now), 48 * 3_600_000)
  for (const header of [undefined, '', '0', '-5', 'soon', '1.5', 'Wed, 31 Dec 2025 00:00:00 GMT'])
    assert.equal(retryAfterMs(header, now), null, String(header))
})

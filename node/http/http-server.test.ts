/** The listener: where it listens, and what it does with clients that are slow or gone. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { HTTP_CONNECTIONS_MAX } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { NodeFace } from '../face.ts'
import type { StreamFile } from '../streams/streams.ts'
import { type ApiModules, createApi } from './api.ts'
import { serveHttp } from './http-server.ts'

const PIECE = 64 * 1024
const AT = '/v1/videos/0123456789abcdef/hls/video-480p.mp4'

/** A file of so many pieces, and how it is read. */
function served({ pieces, breaksAt = Number.POSITIVE_INFINITY }: { pieces: number; breaksAt?: number }) {
  const seen = { read: 0, hasEnded: Promise.withResolvers<void>() }
  const file: StreamFile = {
    mediaType: 'video/mp4',
    bytes: pieces * PIECE,
    etag: 'a1',
    isFinal: true,
    async *read() {
      try {
        for (let at = 0; at < pieces; at++) {
          if (at === breaksAt) throw new Error('the holder is gone')
          seen.read++
          yield Buffer.alloc(PIECE)
        }
      } finally {
        seen.hasEnded.resolve()
      }
    },
  }
  const routes = createApi(
    {} as NodeFace,
    { streams: { open: async () => file }, log: silentLog } as unknown as ApiModules,
  )
  return { seen, routes }
}

test('a client that reads nothing has only a few pieces read, and its end ends the read', async (t) => {
  const { seen, routes } = served({ pieces: 10_000 })
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 })
  t.after(server.close)
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write(`GET ${AT} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  await once(socket, 'readable')
  for (let before = -1; before !== seen.read; ) {
    before = seen.read
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.ok(seen.read < 200, `${seen.read} pieces of ${PIECE} bytes`)
  socket.destroy()
  await seen.hasEnded.promise
})

/** Resolves when the connection has ended, also by an error. */
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))

/** A client that asks, and reads no more than the beginning of the answer; null where it is closed instead. */
function client(url: string): Promise<Socket | null> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`GET ${AT} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return new Promise((resolve) => {
    socket.once('data', (head) => resolve(/^HTTP\/1\.1 200 /.test(head.toString('latin1')) ? socket.pause() : null))
    socket.once('close', () => resolve(null))
  })
}

/** A client that is answered: one whose request comes too late, as this machine is busy, is followed by another. */
async function answeredClient(url: string): Promise<Socket> {
  for (;;) {
    const answered = await client(url)
    if (answered) return answered
  }
}

test('a client beyond the bound is closed, and taken once another one has gone', async (t) => {
  const { routes } = served({ pieces: 10_000 })
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 }, { connectionsMax: 2, silenceMs: 60_000 })
  t.after(server.close)
  const [first, second] = [await client(server.url), await client(server.url)]
  assert.ok(first && second)
  assert.equal(await client(server.url), null)
  first.destroy()
  await answeredClient(server.url)
})

test('connections beyond the bound are closed at once', async (t) => {
  const server = await serveHttp(served({ pieces: 1 }).routes, { host: '127.0.0.1', port: 0 })
  t.after(server.close)
  const port = Number(new URL(server.url).port)
  let closes = 0
  const beyond = Promise.withResolvers<void>()
  for (let n = 0; n < HTTP_CONNECTIONS_MAX + 4; n++)
    connect(port, '127.0.0.1')
      .on('error', () => {})
      .once('close', () => ++closes === 4 && beyond.resolve())
  await beyond.promise
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(closes, 4)
})

test('a client on which nothing moves is closed', async (t) => {
  const { seen, routes } = served({ pieces: 10_000 })
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 }, { connectionsMax: 1, silenceMs: 300 })
  t.after(server.close)
  const silent = await answeredClient(server.url)
  await seen.hasEnded.promise
  silent.destroy()
})

test('headers and bodies that come too slowly are given up, and no answer is that takes long to begin', async (t) => {
  const late = () => new Promise<Response>((resolve) => setTimeout(() => resolve(new Response('late')), 1_500))
  const routes = { fetch: ({ method }: Request) => (method === 'GET' ? late() : new Promise<Response>(() => {})) }
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 }, { silenceMs: 600, headersMs: 300 })
  t.after(server.close)
  const slow = [
    'GET / HTTP/1.1\r\nHost: localhost\r\n',
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n',
  ]
  const ends = slow.map(async (head) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.write(head)
    // One byte at a time: nothing is silent.
    const drip = setInterval(() => socket.write('a'), 100)
    await closed(socket)
    clearInterval(drip)
  })
  await Promise.all(ends)
  // On a busy machine a request may come too late itself.
  let text: string | null = null
  while (text === null)
    text = await fetch(server.url).then(
      (response) => (response.ok ? response.text() : null),
      () => null,
    )
  assert.equal(text, 'late')
})

test('a read that breaks ends the connection, so that the answer never looks whole', async (t) => {
  const { routes } = served({ pieces: 10, breaksAt: 5 })
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 })
  t.after(server.close)
  const response = await fetch(`${server.url}${AT}`)
  assert.deepEqual([response.status, response.headers.get('content-length')], [200, String(10 * PIECE)])
  await assert.rejects(response.arrayBuffer())
})

test('what is asked before the end is answered, a stream is not waited for', async (t) => {
  const asked = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const routes = {
    fetch: async ({ url }: Request) => {
      if (url.endsWith('/stream'))
        return new Response(new ReadableStream({ start: (c) => c.enqueue(Buffer.from('a')) }))
      asked.resolve()
      await go.promise
      return new Response('done')
    },
  }
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 })
  t.after(server.close)
  const stream = await fetch(`${server.url}/stream`)
  const answer = fetch(server.url).then((response) => response.text())
  await asked.promise
  const answered = server.lastAnswers()
  await assert.rejects(fetch(server.url), 'nothing new is taken')
  go.resolve()
  assert.equal(await answer, 'done')
  await answered
  await server.close()
  await assert.rejects(stream.text())
})

test('with a certificate it serves HTTPS, and nobody without it', async (t) => {
  const pem = await readFile(join(import.meta.dirname, '../../testing/tools/loopback.pem'), 'utf8')
  const routes = { fetch: () => new Response('secret') }
  const tls = { cert: pem, key: pem }
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 }, { tls, headersMs: 300 })
  t.after(server.close)
  assert.match(server.url, /^https:/)
  const text = await new Promise<string>((resolve, reject) => {
    const asked = get(server.url, { ca: pem, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', resolve)
    })
    asked.on('error', reject)
  })
  assert.equal(text, 'secret')
  const plain = connect(Number(new URL(server.url).port), '127.0.0.1')
  plain.on('error', () => {})
  let got = ''
  plain.on('data', (part) => (got += part.toString('latin1')))
  plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await closed(plain)
  assert.doesNotMatch(got, /secret/)
  const silent = connect(Number(new URL(server.url).port), '127.0.0.1')
  silent.on('error', () => {})
  silent.resume()
  await closed(silent)
})

test('a port that is taken is said in one sentence', async (t) => {
  const { routes } = served({ pieces: 1 })
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 })
  t.after(server.close)
  const port = Number(new URL(server.url).port)
  await assert.rejects(serveHttp(routes, { host: '127.0.0.1', port }), {
    code: 'port_in_use',
    message: `--http 127.0.0.1:${port}: another program listens there; stop it, or take another port`,
  })
})

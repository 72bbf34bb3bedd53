/**
 * The TCP listener. Nothing that a client does or leaves out holds more than one connection, and that for as long as something
 * moves on it.
 */
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { ReelmeshError } from '../../protocol/errors.ts'
import { HTTP_CONNECTIONS_MAX, HTTP_SILENCE_MS } from '../../protocol/limits.ts'
import type { TlsIdentity } from './http-access.ts'
import { callableHost, type HttpAddress, hostText } from './http-address.ts'

/** A listener. */
export interface HttpServer {
  /** Where callers reach it: `http://127.0.0.1:8080`. */
  readonly url: string
  /** Calls `act` at each GET. */
  onGet(act: () => void): void
  /** Serves new connections of HTTPS with this certificate; those that are open stay. */
  renew(tls: TlsIdentity): void
  /** Takes no connection any more; resolves when each request has its answer that waits for one now. */
  lastAnswers(): Promise<unknown>
  /** Ends every connection. */
  close(): Promise<void>
}

/** What clients may hold of this node. */
export interface HttpBounds {
  /** Number of connections at once. */
  readonly connectionsMax: number
  /** How long nothing may move on a connection. */
  readonly silenceMs: number
  /** How long the headers of a request may take; with its body it may take `silenceMs`. */
  readonly headersMs: number
}

const BOUNDS: HttpBounds = { connectionsMax: HTTP_CONNECTIONS_MAX, silenceMs: HTTP_SILENCE_MS, headersMs: 10_000 }

/** Listens; with `tls` for HTTPS only. `names`: those that callers may use, which may say where a listener at all addresses is reached. Rejects with `ReelmeshError('port_in_use')` where the address is taken or cannot be had. */
export async function serveHttp(
  routes: { fetch(request: Request, env: HttpBindings): Response | Promise<Response> },
  { host, port }: Pick<HttpAddress, 'host' | 'port'>,
  {
    tls = null,
    names = [],
    ...bounds
  }: Partial<HttpBounds> & { readonly tls?: TlsIdentity | null; readonly names?: readonly string[] } = {},
): Promise<HttpServer> {
  const { connectionsMax, silenceMs, headersMs } = { ...BOUNDS, ...bounds }
  const server = createAdaptorServer({
    fetch: (request, env) => routes.fetch(request, env as HttpBindings),
    ...(tls && { createServer: createTlsServer }),
    serverOptions: {
      ...(tls && { ...tls, handshakeTimeout: headersMs }),
      headersTimeout: Math.min(headersMs, silenceMs),
      requestTimeout: silenceMs,
      connectionsCheckingInterval: headersMs / 4,
      maxHeaderSize: 16 * 1024,
    },
  }) as Server
  server.maxConnections = connectionsMax
  server.timeout = silenceMs
  keepWhileAnswering(server)
  const answersBegin = watchAnswers(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new ReelmeshError('port_in_use', whyNot(cause, { host, port }), { cause })),
    )
    server.listen({ host, port }, resolve)
  })
  return {
    url: `${tls ? 'https' : 'http'}://${hostText(callableHost(host, names))}:${(server.address() as AddressInfo).port}`,
    renew: (identity) => (server as import('node:https').Server).setSecureContext(identity),
    onGet: (act) => void server.on('request', ({ method }) => method === 'GET' && act()),
    lastAnswers: () => {
      server.close()
      return answersBegin()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Ends silent connections, but for one whose request is read and whose answer has not begun: a submit hashes a long film first. */
function keepWhileAnswering(server: Server): void {
  const answers = new WeakMap<Socket, { request: IncomingMessage; response: ServerResponse }>()
  server.on('request', (request, response) => answers.set(request.socket, { request, response }))
  server.on('timeout', (socket) => {
    const last = answers.get(socket)
    // The first byte of the answer begins the time anew.
    if (!last?.request.complete || last.response.headersSent) socket.destroy()
  })
}

/** Answers a function that resolves when each request has its answer that waits for one. */
function watchAnswers(server: Server): () => Promise<unknown> {
  const running = new Set<ServerResponse>()
  server.on('request', (_, response) => {
    running.add(response)
    response.once('close', () => running.delete(response))
  })
  return () => Promise.all([...running].filter(({ headersSent }) => !headersSent).map((each) => once(each, 'close')))
}

function whyNot({ code, message }: NodeJS.ErrnoException, { host, port }: Pick<HttpAddress, 'host' | 'port'>): string {
  const at = `${hostText(host)}:${port}`
  return code === 'EADDRINUSE'
    ? `--http ${at}: another program listens there; stop it, or take another port`
    : `--http ${at}: nobody can listen there: ${message}`
}

/**
 * A TCP listener for media routes. Nothing that a client does or leaves out holds more than one connection, and that for as long as something
 * moves on it.
 */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { ReelmeshError } from '../../protocol/errors.ts'
import { HTTP_CONNECTIONS_MAX, HTTP_SILENCE_MS } from '../../protocol/limits.ts'
import { type HttpAddress, hostText } from './http-address.ts'

/** A listener. */
export interface MediaServer {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string
  /** Ends every connection. */
  close(): Promise<void>
}

const HEADERS_MS = 10_000

/** What clients may hold of this node. */
export interface MediaBounds {
  /** Number of connections at once. */
  readonly connectionsMax: number
  readonly silenceMs: number
}

/** Listens. Rejects with `ReelmeshError('port_in_use')` where the address is taken or cannot be had. */
export async function serveMedia(
  routes: { fetch(request: Request): Response | Promise<Response> },
  { host, port }: HttpAddress,
  { connectionsMax, silenceMs }: MediaBounds = { connectionsMax: HTTP_CONNECTIONS_MAX, silenceMs: HTTP_SILENCE_MS },
): Promise<MediaServer> {
  const server = createAdaptorServer({
    fetch: routes.fetch,
    serverOptions: { headersTimeout: HEADERS_MS, requestTimeout: HTTP_SILENCE_MS, maxHeaderSize: 16 * 1024 },
  }) as Server
  server.maxConnections = connectionsMax
  server.timeout = silenceMs
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new ReelmeshError('port_in_use', whyNot(cause, { host, port }), { cause })),
    )
    server.listen({ host, port }, resolve)
  })
  return {
    url: `http://${hostText(host)}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function whyNot({ code, message }: NodeJS.ErrnoException, { host, port }: HttpAddress): string {
  const at = `${hostText(host)}:${port}`
  return code === 'EADDRINUSE'
    ? `--http ${at}: another program listens there; stop it, or take another port`
    : `--http ${at}: nobody can listen there: ${message}`
}

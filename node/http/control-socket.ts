/**
 * The API on a Unix socket in the data folder, and the client of it. Only its owner can open the socket. A socket path longer than
 * the system's 107 bytes would be cut short in silence, so a long data folder gets a short name in the temporary folder.
 */
import { createHash } from 'node:crypto'
import { chmod, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { ReelmeshError } from '../../protocol/errors.ts'
import { STATUS_BYTES_MAX } from '../../protocol/limits.ts'

const SOCKET_PATH_MAX = 100

/** The socket lies in the data folder, or in the temporary folder where its path would be too long for the system. */
export function controlSocketPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path
  return join(tmpdir(), `reelmesh-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`)
}

/** Serves until closed. The data lock is held, so a socket that is there already is a dead one. */
export async function serveControl(api: Hono, path: string): Promise<{ close(): Promise<void> }> {
  const server = createAdaptorServer({ fetch: api.fetch })
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

/** JSON requests to the node of this data folder. What the node refuses is thrown as `ReelmeshError`. */
export interface ControlClient {
  get(path: string): Promise<unknown>
  post(path: string, body?: unknown): Promise<unknown>
}

/** Null when no node answers there; one that ends later is `no_node`. What the node refuses is a `ReelmeshError` with its code and sentence. */
export async function connectControl(path: string): Promise<ControlClient | null> {
  const client: ControlClient = {
    get: (at) => call(path, 'GET', at),
    post: (at, body) => call(path, 'POST', at, body ?? {}),
  }
  try {
    await client.get('/healthz')
    return client
  } catch (error) {
    if (error instanceof ReelmeshError && error.code === 'no_node') return null
    throw error
  }
}

/** What a socket says where nobody listens, or no longer. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ECONNRESET', 'EPIPE']

function call(socketPath: string, method: string, path: string, body?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    // A connection of its own: one that is kept open may be closed by a busy node just as it is used again.
    const asked = request({ socketPath, method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > STATUS_BYTES_MAX) asked.destroy(new ReelmeshError('too_large', 'the node answered more than 8 MiB'))
        else parts.push(part)
      })
      response.on('error', reject)
      response.on('end', () => {
        try {
          const answer: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
          if ((response.statusCode ?? 500) < 400) return resolve(answer)
          const { code, message } = answer as { code?: string; message?: string }
          reject(new ReelmeshError(code ?? 'unexpected', message ?? `the node answered ${response.statusCode}`))
        } catch (error) {
          reject(error)
        }
      })
    })
    asked.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        NOBODY.includes(error.code ?? '')
          ? new ReelmeshError('no_node', 'the node on this host does not answer: it ended, or is being started again', {
              cause: error,
            })
          : error,
      ),
    )
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

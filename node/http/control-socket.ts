/**
 * The API on a Unix socket in the data folder, and the client of it. Only its owner can open the socket. A socket path longer than
 * the system's 107 bytes would be truncated without an error, so that a long data folder gets a short path in a folder of this user in
 * the temporary one. Where another user has made that, nothing is served there and nothing is asked.
 */
import { createHash } from 'node:crypto'
import { lstat, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { hc, parseResponse } from 'hono/client'
import { ReelmeshError } from '../../protocol/errors.ts'
import { STATUS_BYTES_MAX } from '../../protocol/limits.ts'
import { isMine, isOwnFolder } from '../host/private-folder.ts'
import type { Api } from './api.ts'

const SOCKET_PATH_MAX = 100

/** The folder of this user for sockets of long data folders. Not that of a session: a service and a person must find the same one. */
const socketFolder = (): string => join(tmpdir(), `reelmesh-${process.getuid?.() ?? 'user'}`)

/** The path of the socket: in the data folder, or in a folder of this user where that path would be too long for the system. */
export function controlSocketPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path
  return join(socketFolder(), `reelmesh-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`)
}

/**
 * Serves until closed. The caller has the lock of the data folder, so that an existing socket is unused and replaced. Rejects with
 * `ReelmeshError('foreign_socket')` where the folder of the socket is not this user's.
 */
export async function serveControl(api: Api, path: string): Promise<{ close(): Promise<void> }> {
  // Who can open it is the user of the node.
  const server = createAdaptorServer({ fetch: (request, env) => api.fetch(request, { ...env, folders: 'any' }) })
  if (dirname(path) === socketFolder() && !(await isOwnFolder(dirname(path)))) throw foreign(dirname(path))
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The socket is made within the call: it is never open to others, not even before its mode could be changed.
    const umask = process.umask(0o177)
    try {
      server.listen(path, resolve)
    } finally {
      process.umask(umask)
    }
  })
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

/** A typed client of the API of protocol/api.ts: `parseResponse` (hono/client) awaits the answer. */
export type ControlClient = ReturnType<typeof hc<Api>>

/**
 * Connects to the node of this socket; null where none answers. Requests reject with a `ReelmeshError` of the node's code and sentence, and
 * with `no_node` where the node has ended since.
 */
export async function connectControl(path: string): Promise<ControlClient | null> {
  const client: ControlClient = hc<Api>('http://node', {
    fetch: (url: string | URL | Request, init?: RequestInit) => ask(path, String(url), init),
  })
  await checkOwner(path)
  try {
    const health: unknown = await parseResponse(client.healthz.$get())
    if ((health as { ok?: unknown } | null)?.ok !== true) throw foreign(path)
    return client
  } catch (error) {
    if (error instanceof ReelmeshError && error.code === 'no_node') return null
    throw error
  }
}

/** Whether the node of this socket has an answer at a path, such as `/v1/videos/<id>/hls/master.m3u8`. It never rejects: no answer is one too. */
export const hasAnswer = (socketPath: string, path: string, signal: AbortSignal): Promise<boolean> =>
  ask(socketPath, `http://node${path}`, { method: 'HEAD', signal }).then(
    () => true,
    () => false,
  )

/** Rejects where the socket is another user's: it would be told paths, and could answer anything. Root may ask every node. */
async function checkOwner(path: string): Promise<void> {
  const facts = await lstat(path).catch(() => null)
  if (facts === null) return
  const folder = dirname(path)
  if (folder === socketFolder()) {
    if (!isMine(facts) || !(await isOwnFolder(folder))) throw foreign(path)
  } else if (!isMine(facts) && facts.uid !== 0 && process.getuid?.() !== 0) throw foreign(path)
}

const foreign = (path: string): ReelmeshError =>
  new ReelmeshError(
    'foreign_socket',
    `${path} is not of this user: a node's socket is expected there; remove it, or use a data folder with a shorter path`,
  )

/** Error codes of a socket where no process listens any more. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ECONNRESET', 'EPIPE']

/** Sends one request. Its answer may take long, such as that of a submit, which hashes the file: Node's own fetch ends after 300 s. */
function ask(socketPath: string, url: string, { method, body, signal }: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const headers = body == null ? {} : { 'content-type': 'application/json' }
    // A new connection each time: a busy node may close a kept one just when it is used again.
    const { pathname, search } = new URL(url)
    const options = {
      socketPath,
      method,
      path: pathname + search,
      headers,
      agent: false,
      ...(signal && { signal }),
    }
    const asked = request(options, (response) => {
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
          resolve(answerOf(Buffer.concat(parts).toString('utf8'), response.statusCode ?? 500))
        } catch (error) {
          reject(error)
        }
      })
    })
    asked.on('error', (error: NodeJS.ErrnoException) =>
      reject(NOBODY.includes(error.code ?? '') ? noNode(error) : error),
    )
    asked.end(body)
  })
}

const noNode = (cause: Error): ReelmeshError =>
  new ReelmeshError('no_node', 'the node on this machine does not answer: it ended, or is being restarted', { cause })

function answerOf(text: string, status: number): Response {
  if (status < 400) return new Response(text, { status, headers: { 'content-type': 'application/json' } })
  const { code, detail } = problemIn(text)
  throw new ReelmeshError(code ?? 'unexpected', detail ?? `the node answered ${status}`)
}

/** The code and sentence of a problem; none where the answer has another form. */
function problemIn(text: string): { code?: string; detail?: string } {
  try {
    const { code, detail } = (JSON.parse(text) ?? {}) as { code?: unknown; detail?: unknown }
    return typeof code === 'string' && typeof detail === 'string' ? { code, detail } : {}
  } catch {
    return {}
  }
}

/** Asks the node of this machine through the socket in its data folder. */
import { lstat } from 'node:fs/promises'
import { request } from 'node:http'
import { dirname } from 'node:path'
import { hc, parseResponse } from 'hono/client'
import { ReelmeshError } from '../../protocol/errors.ts'
import { STATUS_BYTES_MAX } from '../../protocol/limits.ts'
import { isMine, isOwnFolder } from '../host/private-folder.ts'
import type { Api } from './api.ts'
import { foreign, socketFolder } from './control-path.ts'

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

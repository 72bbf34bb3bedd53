/**
 * The API on a Unix socket in the data folder; `control-client.ts` asks it. Only its owner can open the socket. A socket path longer than
 * the system's 107 bytes would be truncated without an error, so that a long data folder gets a short path in a folder of this user in
 * the temporary one. Where another user has made that, nothing is served there and nothing is asked.
 */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ReelmeshError } from '../../protocol/errors.ts'
import { isOwnFolder } from '../host/private-folder.ts'
import type { Api } from './api.ts'

const SOCKET_PATH_MAX = 100

/** The folder of this user for sockets of long data folders. Not that of a session: a service and a person must find the same one. */
export const socketFolder = (): string => join(tmpdir(), `reelmesh-${process.getuid?.() ?? 'user'}`)

/** The path of the socket: in the data folder, or in a folder of this user where that path would be too long for the system. */
export function controlSocketPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path
  return join(socketFolder(), `reelmesh-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`)
}

/**
 * Serves until closed; `loadApi` makes the API for the first who asks. The caller has the lock of the data folder, so that an existing socket is unused and replaced. Rejects with
 * `ReelmeshError('foreign_socket')` where the folder of the socket is not this user's.
 */
export async function serveControl(loadApi: () => Promise<Api>, path: string): Promise<{ close(): Promise<void> }> {
  let answering: ReturnType<typeof createAnswers> | undefined
  const server = createServer(async (request, response) => {
    try {
      answering ??= createAnswers(loadApi)
      await (await answering)(request, response)
    } catch (error) {
      response.destroy(error as Error)
    }
  })
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
        server.closeAllConnections()
      }),
  }
}

/** The listener of requests. What it is made of takes 0.05 s to load, which a run that nobody asks anything does not need. */
async function createAnswers(loadApi: () => Promise<Api>) {
  const [{ getRequestListener }, api] = await Promise.all([import('@hono/node-server'), loadApi()])
  // Who can open it is the user of the node.
  return getRequestListener((request, env) => api.fetch(request, { ...env, folders: 'any' }))
}

/** The error where what should be a socket of this user is another's. */
export const foreign = (path: string): ReelmeshError =>
  new ReelmeshError(
    'foreign_socket',
    `${path} is not of this user: a node's socket is expected there; remove it, or use a data folder with a shorter path`,
  )

/** The API on a Unix socket in the data folder; `control-client.ts` asks it. Only its owner can open the socket. */
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { isOwnFolder } from '../host/private-folder.ts'
import type { Api } from './api.ts'
import { foreign, socketFolder } from './control-path.ts'

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

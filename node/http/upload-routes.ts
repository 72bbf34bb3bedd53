/** The routes of uploads (protocol/api-uploads.ts). What they take and refuse is decided in node/uploads; the library is loaded with the first one. */
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { TusServer } from '../uploads/tus-server.ts'
import { UPLOAD_IDLE_MS, type UploadFiles } from '../uploads/upload-files.ts'

/** What the routes use. */
export interface UploadRoutesOptions {
  readonly uploads: UploadFiles
}

const PATH = '/v1/uploads'
/** Requests whose bodies are files: they have a bound of their own. */
const BYTES_PATH = /^\/v1\/uploads(?:\/[^/]*)?$/

/** Whether the body of a request to this path may be a file. */
export const takesFile = (path: string): boolean => BYTES_PATH.test(path)

type Env = { Bindings: Partial<HttpBindings> }

/** The routes. Errors are thrown: the app that they are part of answers them. */
export function createUploadRoutes({ uploads }: UploadRoutesOptions): Hono<Env> {
  const routes = new Hono<Env>()
  let server: Promise<TusServer> | null = null
  const tus = async (c: Context<Env>) => {
    const id = c.req.param('id')
    if (id !== undefined) await uploads.facts(id)
    server ??= import('../uploads/tus-server.ts').then(({ createTusServer }) => createTusServer(PATH, uploads))
    return await (await server)(c.req.raw)
  }
  // What the node takes, by the protocol.
  routes.options(PATH, tus)
  routes.post(PATH, tus)
  // HEAD comes as GET.
  routes.get(`${PATH}/:id`, async (c) => {
    if (c.req.raw.method === 'HEAD') return await tus(c)
    const { changedAt, ...facts } = await uploads.facts(c.req.param('id'))
    return c.json({ ...facts, expires_at: Math.round(changedAt + UPLOAD_IDLE_MS) }, 200, {
      'Cache-Control': 'no-store',
    })
  })
  routes.patch(`${PATH}/:id`, tus)
  routes.delete(`${PATH}/:id`, tus)
  return routes
}

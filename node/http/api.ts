/**
 * The node's HTTP API, served on its control socket: which the command line and scripts on this machine use. The routes are those of
 * protocol/api.ts. A refused request is answered with a code, one sentence and 400, 404, 415, 500 or 503.
 */
import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import type { z } from 'zod'
import { ROUTES } from '../../protocol/api.ts'
import {
  LedgerUnavailable,
  RecipeRefused,
  ReelmeshError,
  SourceRefused,
  sentence,
  UsageError,
  unknownVideo,
} from '../../protocol/errors.ts'
import { isPeerId, type PeerId, type VideoId } from '../../protocol/ids.ts'
import { API_BODY_BYTES_MAX } from '../../protocol/limits.ts'
import type { NodeFace } from '../face.ts'
import { allLadders } from '../ladders/named-ladders.ts'
import { VERSION } from '../version.ts'

/** The routes of the API as a typed client needs them. */
export type Api = ReturnType<typeof createApi>

const API_INFO = {
  openapi: '3.1.0',
  info: {
    title: 'Reelmesh',
    version: VERSION,
    description: 'The HTTP API of a node, on the socket `control.sock` in its data folder.',
  },
}
const TOO_LARGE = { code: 'bad_request', message: 'the body is larger than 1 MiB' }
const PAUSED = { paused: true, reason: 'paused by its owner' }
const RESUMED = { paused: false, reason: null }
const DRAINING = { draining: true, reason: 'draining' }

/** The HTTP API of a node, without a server. Errors are answered as `{ code, message }`. */
export function createApi(node: NodeFace) {
  const api = new OpenAPIHono({
    defaultHook: (result, c) => (result.success ? undefined : c.json(refusalOf(result.error, result.target), 400)),
  })
  api.use(bodyLimit({ maxSize: API_BODY_BYTES_MAX, onError: (c) => c.json(TOO_LARGE, 400) }))
  api.notFound((c) => c.json({ code: 'not_found', message: `there is nothing at ${c.req.path}` }, 404))
  api.onError((error, c) => c.json(errorOf(error), statusOf(error)))
  api.doc31('/v1/openapi.json', API_INFO)
  return api
    .openapi(createRoute(ROUTES.health), (c) => c.json({ ok: true } as const, 200))
    .openapi(createRoute(ROUTES.status), async (c) => c.json(await node.snapshot(), 200))
    .openapi(createRoute(ROUTES.video), async (c) => {
      const { id } = c.req.valid('param')
      return c.json((await node.video(id)) ?? missing(id), 200)
    })
    .openapi(createRoute(ROUTES.tasks), async (c) =>
      c.json(await node.tasks(await known(node, c.req.valid('param'))), 200),
    )
    .openapi(createRoute(ROUTES.ladders), (c) => c.json(allLadders(node.ladders), 200))
    .openapi(createRoute(ROUTES.submit), async (c) =>
      c.json(await node.submit({ ...c.req.valid('json'), signal: c.req.raw.signal }), 201),
    )
    .openapi(createRoute(ROUTES.cancel), async (c) =>
      c.json({ result: await node.act('cancel', await known(node, c.req.valid('param'))) }, 200),
    )
    .openapi(createRoute(ROUTES.retry), async (c) =>
      c.json({ result: await node.act('retry', await known(node, c.req.valid('param'))) }, 200),
    )
    .openapi(createRoute(ROUTES.priority), async (c) =>
      c.json({ result: await node.act(c.req.valid('json'), await known(node, c.req.valid('param'))) }, 200),
    )
    .openapi(createRoute(ROUTES.deadline), async (c) =>
      c.json({ result: await node.act(c.req.valid('json'), await known(node, c.req.valid('param'))) }, 200),
    )
    .openapi(createRoute(ROUTES.pause), async (c) => c.json(await change(node, c.req.valid('param'), PAUSED), 200))
    .openapi(createRoute(ROUTES.resume), async (c) => c.json(await change(node, c.req.valid('param'), RESUMED), 200))
    .openapi(createRoute(ROUTES.drain), async (c) => c.json(await change(node, c.req.valid('param'), DRAINING), 200))
}

function missing(id: VideoId): never {
  throw unknownVideo(id)
}

async function known(node: NodeFace, { id }: { readonly id: VideoId }): Promise<VideoId> {
  return (await node.ledger.video(id)) === null ? missing(id) : id
}

/** Changes the record of a peer. An absent one may be named by its id: it reads its record when it is back. */
async function change(
  node: NodeFace,
  { peer: text }: { readonly peer: string },
  what: Parameters<NodeFace['setPeer']>[1],
): Promise<{ peer: PeerId }> {
  const { peers } = await node.snapshot()
  const found = peers.filter(({ peer, name }) => peer === text || name === text)
  if (found.length > 1)
    throw new UsageError(
      `${found.length} peers are called ${text}; give the peer id, as \`reelmesh status --json\` shows it`,
    )
  const peer = found[0]?.peer ?? (isPeerId(text) ? text : null)
  if (peer === null) throw new UsageError(`no peer is called ${text}; \`reelmesh status\` lists those there are`)
  await node.setPeer(peer, what)
  return { peer }
}

interface Refusal {
  readonly code: string
  readonly message: string
}

function errorOf(error: Error): Refusal {
  const message = sentence(error)
  if (error instanceof ReelmeshError) return { code: error.code, message }
  if (!(error instanceof HTTPException)) return { code: 'unexpected', message }
  const isOther = error.status === 415
  return {
    code: 'bad_request',
    message: isOther ? 'the body must be JSON, with the header content-type: application/json' : 'the body is not JSON',
  }
}

function statusOf(error: Error): 400 | 404 | 415 | 500 | 503 {
  if (error instanceof LedgerUnavailable) return 503
  if (error instanceof SourceRefused || error instanceof RecipeRefused || error instanceof UsageError) return 400
  if (error instanceof HTTPException) return error.status === 415 ? 415 : 400
  return error instanceof ReelmeshError && error.code === 'unknown_video' ? 404 : 500
}

/** The answer to an invalid request. It names the wrong field; for a part of the path its message does. */
function refusalOf(error: z.core.$ZodError, target: string): Refusal {
  const issue = error.issues[0]
  const message = issue?.message ?? sentence(error)
  const at = issue?.path.join('.') || 'the body'
  return { code: 'bad_request', message: target === 'param' ? message : `${at}: ${message}` }
}

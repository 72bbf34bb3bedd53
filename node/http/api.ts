/**
 * The HTTP API of a node: the routes of protocol/api.ts, among them the files of streaming packages, and the documentation of it all. The control
 * socket and the TCP listener serve the same; what stands before the routes on TCP is in guard.ts.
 */
import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { ROUTES, STREAM_ROUTES, type UploadedRead } from '../../protocol/api.ts'
import { ReelmeshError, unknownVideo } from '../../protocol/errors.ts'
import { isPeerId, type PeerId, type VideoId } from '../../protocol/ids.ts'
import { API_BODY_BYTES_MAX } from '../../protocol/limits.ts'
import type { StatusSnapshot } from '../../protocol/status.ts'
import { isOpen } from '../../protocol/video.ts'
import { WEBHOOK_MESSAGE } from '../../protocol/webhook.ts'
import type { NodeFace } from '../face.ts'
import { allLadders } from '../ladders/named-ladders.ts'
import { apiDocument } from './api-document.ts'
import { createDocsPage } from './docs-page.ts'
import { eventPage } from './event-page.ts'
import { createEventRoutes, type EventRoutesOptions } from './event-routes.ts'
import { createHealthRoutes, type HealthRoutesOptions } from './health-routes.ts'
import type { HttpEnv } from './http-env.ts'
import { type IdempotencyModules, idempotent } from './idempotency.ts'
import { jsonOnce } from './json-once.ts'
import { createMediaRoutes, type MediaRoutesOptions } from './media-routes.ts'
import { allowedPath } from './named-paths.ts'
import { answerError, misfit, RequestRefused } from './refusals.ts'
import { naming } from './submit-fields.ts'
import { createUploadRoutes, takesFile, type UploadRoutesOptions } from './upload-routes.ts'
import { videoPage } from './video-page.ts'
import { checkWebhooks, resendWebhook, webhookPage } from './webhook-page.ts'

/** The routes of the API as a typed client needs them. */
export type Api = ReturnType<typeof createApi>

const JSON_TYPE = { 'Content-Type': 'application/json' }
const PAUSED = { paused: true, reason: 'paused by its owner' }
const RESUMED = { paused: false, reason: null }
const DRAINING = { draining: true, reason: 'draining' }

/** The parts that the API uses, beside the operations of the node. */
export type ApiModules = MediaRoutesOptions &
  EventRoutesOptions &
  UploadRoutesOptions &
  IdempotencyModules &
  HealthRoutesOptions

/** The HTTP API of a node, without a server. Refusals are answered as `answerError` says. */
export function createApi(node: NodeFace, modules: ApiModules) {
  const api = createAround(node, modules)
  return api
    .openapi(createRoute(ROUTES.health), (c) => c.json({ ok: true } as const, 200))
    .openapi(createRoute(ROUTES.status), async (c) => {
      const bytes = jsonOnce(await node.snapshot())
      return c.body(bytes, 200, JSON_TYPE) as unknown as ReturnType<typeof c.json<StatusSnapshot, 200>>
    })
    .openapi(createRoute(ROUTES.videos), async (c) => c.json(await videoPage(node, c.req.valid('query')), 200))
    .openapi(createRoute(ROUTES.peers), async (c) => c.json(await node.peers(), 200))
    .openapi(createRoute(ROUTES.engines), async (c) => c.json(await node.engines(), 200))
    .openapi(createRoute(ROUTES.events), async (c) => c.json(await eventPage(node.ledger, c.req.valid('query')), 200))
    .openapi(createRoute(ROUTES.video), async (c) => {
      const { id } = c.req.valid('param')
      return c.json((await node.video(id)) ?? missing(id), 200)
    })
    .openapi(createRoute(ROUTES.tasks), async (c) =>
      c.json(await node.tasks(await known(node, c.req.valid('param'))), 200),
    )
    .openapi(createRoute(ROUTES.attempts), async (c) =>
      c.json(await node.attempts(await known(node, c.req.valid('param')), c.req.valid('query')), 200),
    )
    .openapi(createRoute(ROUTES.ladders), (c) => c.json(allLadders(node.ladders), 200))
    .openapi(createRoute(ROUTES.submit), async (c) => {
      const { path, ...submit } = c.req.valid('json')
      checkWebhooks(submit.webhooks, node.webhookProblem)
      const request = await withAllowedPaths(submit, c.env?.folders)
      const source = await allowedPath(path, 'path', c.env?.folders)
      const submitted = node.submit({ ...request, path: source, signal: c.req.raw.signal })
      return c.json(await submitted.catch(naming({ ...request, path })), 201)
    })
    .openapi(createRoute(ROUTES.submitUpload), async (c) => {
      const { signal } = c.req.raw
      checkWebhooks(c.req.valid('json').webhooks, node.webhookProblem)
      const request = await withAllowedPaths(c.req.valid('json'), c.env?.folders)
      const path = await modules.uploads.finish(c.req.valid('param').id, signal)
      return c.json(await node.submit({ ...request, path, signal }).catch(naming(request)), 201)
    })
    .openapi(createRoute(ROUTES.cancel), async (c) =>
      c.json({ result: await act(node, 'cancel', c.req.valid('param')) }, 200),
    )
    .openapi(createRoute(ROUTES.retry), async (c) =>
      c.json({ result: await act(node, 'retry', c.req.valid('param')) }, 200),
    )
    .openapi(createRoute(ROUTES.priority), async (c) =>
      c.json({ result: await act(node, c.req.valid('json'), c.req.valid('param')) }, 200),
    )
    .openapi(createRoute(ROUTES.deadline), async (c) =>
      c.json({ result: await act(node, c.req.valid('json'), c.req.valid('param')) }, 200),
    )
    .openapi(createRoute(ROUTES.webhooks), async (c) =>
      c.json(await webhookPage(node.ledger, c.req.valid('query')), 200),
    )
    .openapi(createRoute(ROUTES.resendWebhook), async (c) =>
      c.json(await resendWebhook(node.ledger, c.req.valid('param').id), 200),
    )
    .openapi(createRoute(ROUTES.pause), async (c) => c.json(await change(node, c.req.valid('param'), PAUSED), 200))
    .openapi(createRoute(ROUTES.resume), async (c) => c.json(await change(node, c.req.valid('param'), RESUMED), 200))
    .openapi(createRoute(ROUTES.drain), async (c) => c.json(await change(node, c.req.valid('param'), DRAINING), 200))
}

/** What stands around the typed routes: what answers errors, bounds bodies and repeats answers, and the routes that answer no JSON. */
function createAround(node: NodeFace, modules: ApiModules): OpenAPIHono<HttpEnv> {
  const api = new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      // What was given is there too; the type does not say so.
      if (!result.success) throw misfit(result.error, result.target, (result as { readonly data?: unknown }).data)
    },
  })
  const answer = answerError(modules.log)
  api.onError(answer)
  api.notFound((c) => answer(new RequestRefused(404, 'not_found', `there is nothing at ${c.req.path}`), c))
  api.use(methodNotAllowed({ app: api, onMethodNotAllowed: refuseMethod }))
  const limit = bodyLimit({ maxSize: API_BODY_BYTES_MAX, onError: refuseBody })
  api.use((c, next) => (takesFile(c.req.path) ? next() : limit(c, next)))
  api.use(idempotent(node.ledger, modules))
  api.get('/openapi.json', (c) => c.json(apiDocument(api)))
  api.openAPIRegistry.registerWebhook(WEBHOOK_MESSAGE)
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  for (const route of Object.values(STREAM_ROUTES)) api.openAPIRegistry.registerPath(route)
  api.route('/', createMediaRoutes(modules))
  api.route('/', createEventRoutes(modules))
  api.route('/', createUploadRoutes(modules))
  api.route('/', createHealthRoutes(node, modules))
  api.route('/', createDocsPage())
  return api
}

function missing(id: VideoId): never {
  throw unknownVideo(id)
}

async function known(node: NodeFace, { id }: { readonly id: VideoId }): Promise<VideoId> {
  return (await node.ledger.video(id)) === null ? missing(id) : id
}

function refuseMethod(c: Context, allowed: readonly string[]): never {
  throw new RequestRefused(405, 'wrong_method', `${c.req.path} takes ${allowed.join(' and ')}, not ${c.req.method}`, {
    headers: { Allow: allowed.join(', ') },
  })
}

function refuseBody(): never {
  throw new RequestRefused(413, 'too_large', 'the body is larger than 1 MiB')
}

/** The submit with the paths beside that of its source as they may be used. Rejects with `path_refused`. */
async function withAllowedPaths(
  { out, subtitles, hls_key, ...submit }: UploadedRead,
  folders: HttpEnv['Bindings']['folders'],
): Promise<UploadedRead> {
  const allowed = (named: string, field: string) => allowedPath(named, field, folders)
  const subtitlePath = (named: string, at: number) => allowed(named, `subtitles.${at}.path`)
  return {
    ...submit,
    out: out && (await allowed(out, 'out')),
    subtitles: await Promise.all(
      subtitles.map(async (each, at) => ({ ...each, path: await subtitlePath(each.path, at) })),
    ),
    ...(hls_key && { hls_key: { ...hls_key, path: await allowed(hls_key.path, 'hls_key.path') } }),
  }
}

/** Acts on a video. `unchanged` where it is as wanted already; rejects with `conflict` where it is in no state in which this applies. */
async function act(
  node: NodeFace,
  what: Parameters<NodeFace['act']>[0],
  { id }: { readonly id: VideoId },
): Promise<'changed' | 'unchanged'> {
  if ((await node.ledger.video(id)) === null) missing(id)
  if ((await node.act(what, id)) === 'changed') return 'changed'
  const { name, status } = (await node.ledger.video(id)) ?? missing(id)
  if (what === 'cancel' ? status === 'CANCELLED' : what === 'retry' && isOpen(status)) return 'unchanged'
  const why = typeof what === 'string' ? `there is nothing to ${what}` : 'it has no place among open videos'
  throw new ReelmeshError('conflict', `${name} is ${status}: ${why}`)
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
    throw new ReelmeshError(
      'ambiguous_peer',
      `${found.length} peers are called ${text}; give the peer id, as \`reelmesh status --json\` shows it`,
    )
  const peer = found[0]?.peer ?? (isPeerId(text) ? text : null)
  if (peer === null)
    throw new ReelmeshError('unknown_peer', `no peer is called ${text}; \`reelmesh status\` lists those there are`)
  await node.setPeer(peer, what)
  return { peer }
}

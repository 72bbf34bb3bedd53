/**
 * The node's HTTP API, served on its control socket: what the CLI and any script on this host use. Bad requests get 400 and one
 * sentence; unknown videos 404; a ledger that is away 503.
 */
import { Hono } from 'hono'
import { z } from 'zod'
import { LedgerUnavailable, ReelmeshError, SourceRefused, sentence, UsageError } from '../../protocol/errors.ts'
import { isPeerId, isVideoId, type PeerId, type VideoId } from '../../protocol/ids.ts'
import { recipeSchema } from '../../protocol/recipe.ts'
import type { NodeFace } from '../face.ts'

/** The body of `POST /v1/videos`. Paths are of the host that answers; `deadline` is wall time in ms. */
export const submitSchema = z.object({
  path: z.string().startsWith('/', 'must be an absolute path'),
  recipe: recipeSchema,
  out: z.string().startsWith('/', 'must be an absolute path').nullable(),
  priority: z.number().int().min(-1000).max(1000).default(0),
  deadline: z.number().int().nullable().default(null),
})
/** A body as a client sends it, before defaults. */
export type SubmitBody = z.input<typeof submitSchema>

const prioritySchema = z.object({ priority: z.number().int().min(-1000).max(1000) })

/** The HTTP API of a node, without a server: docs/status.md. Errors are answered as `{ code, message }` with 400, 404, 500 or 503. */
export function createApi(node: NodeFace): Hono {
  const api = new Hono()
  const known = async (text: string): Promise<VideoId> => {
    if (!isVideoId(text))
      throw new UsageError(`${text} is not a video id: 16 hex digits, as \`reelmesh videos\` shows them`)
    if ((await node.ledger.video(text)) === null)
      throw new ReelmeshError('unknown_video', `there is no video ${text}; \`reelmesh videos\` lists those there are`)
    return text
  }

  const changed = async (text: string, change: Parameters<NodeFace['setPeer']>[1]): Promise<PeerId> => {
    const { peers } = await node.snapshot()
    const found = peers.filter(({ peer, name }) => peer === text || name === text)
    if (found.length > 1) {
      throw new UsageError(
        `${found.length} peers are called ${text}; give the peer id, as \`reelmesh status --json\` shows it`,
      )
    }
    // A peer that is away now may be named by its id: it reads its record when it is back.
    const id = found[0]?.peer ?? (isPeerId(text) ? text : null)
    if (id === null) throw new UsageError(`no peer is called ${text}; \`reelmesh status\` lists those there are`)
    await node.setPeer(id, change)
    return id
  }

  api.get('/healthz', (c) => c.json({ ok: true }))
  api.get('/v1/status', async (c) => c.json(await node.snapshot()))
  api.get('/v1/status/:id', async (c) => c.json(await node.row(await known(c.req.param('id')))))
  api.get('/v1/videos/:id', async (c) => c.json(await node.ledger.video(await known(c.req.param('id')))))
  api.get('/v1/videos/:id/tasks', async (c) =>
    c.json(await node.ledger.tasks({ video: await known(c.req.param('id')) })),
  )
  api.post('/v1/videos', async (c) => {
    const body = submitSchema.parse(await c.req.json())
    return c.json(await node.submit({ ...body, signal: c.req.raw.signal }), 201)
  })
  api.post('/v1/videos/:id/cancel', async (c) =>
    c.json({ result: await node.act('cancel', await known(c.req.param('id'))) }),
  )
  api.post('/v1/videos/:id/retry', async (c) =>
    c.json({ result: await node.act('retry', await known(c.req.param('id'))) }),
  )
  api.post('/v1/videos/:id/priority', async (c) => {
    const { priority } = prioritySchema.parse(await c.req.json())
    return c.json({ result: await node.act({ priority }, await known(c.req.param('id'))) })
  })
  const peerVerbs = {
    pause: { paused: true, reason: 'paused by its owner' },
    resume: { paused: false, reason: null },
    drain: { draining: true, reason: 'draining' },
  } as const
  for (const [verb, change] of Object.entries(peerVerbs)) {
    api.post(`/v1/peers/:peer/${verb}`, async (c) => c.json({ peer: await changed(c.req.param('peer'), change) }))
  }
  api.notFound((c) => c.json({ code: 'not_found', message: `there is nothing at ${c.req.path}` }, 404))
  api.onError((error, c) => {
    const { code, status } = classify(error)
    return c.json({ code, message: error instanceof z.ZodError ? zodSentence(error) : sentence(error) }, status)
  })
  return api
}

function classify(error: unknown): { code: string; status: 400 | 404 | 500 | 503 } {
  if (error instanceof LedgerUnavailable) return { code: error.code, status: 503 }
  if (error instanceof ReelmeshError && error.code === 'unknown_video') return { code: error.code, status: 404 }
  if (error instanceof SourceRefused || error instanceof UsageError) return { code: error.code, status: 400 }
  if (error instanceof z.ZodError || error instanceof SyntaxError) return { code: 'bad_request', status: 400 }
  return { code: error instanceof ReelmeshError ? error.code : 'unexpected', status: 500 }
}

function zodSentence(error: z.ZodError): string {
  const issue = error.issues[0]!
  return `${issue.path.join('.') || 'the body'}: ${issue.message}`
}

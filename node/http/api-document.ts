/** The OpenAPI document: what the routes say of themselves, and with each operation the problems that stand before and around all of them. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { isPublicPath, RETRY_STATUSES, refusalsOf } from '../../protocol/api-refusals.ts'
import { REQUEST_KEY_MAX } from '../../protocol/kept-request.ts'
import { VERSION } from '../version.ts'

const API_INFO = {
  openapi: '3.1.0',
  info: {
    title: 'Reelmesh',
    version: VERSION,
    description:
      'The HTTP API of a node: on the socket `control.sock` in its data folder and, with `--http`, over TCP.',
  },
  // A token is needed where the node has some.
  security: [{}, { token: [] }],
}
/** The groups in which people see the operations, in their order, and the paths of each. */
const GROUPS: readonly (readonly [name: string, description: string, paths: RegExp])[] = [
  ['Videos', 'Submitting, following and steering them', /^\/v1\/videos(?!\/\{id\}\/(?:artifacts|logs|hls|dash)\/)/],
  ['Files', 'What was made of a video, whole or by ranges', /^\/v1\/videos\/\{id\}\/(?:artifacts|logs|hls|dash)\//],
  ['Uploads', 'Sources that do not lie on the machine of the node', /^\/v1\/uploads/],
  ['Events', 'What has happened, and what happens', /^\/v1\/events/],
  ['Mesh', 'Peers, engines and ladders', /^\/v1\/(?:status|peers|engines|ladders)/],
  ['Webhooks', 'Signed messages to other programs', /^\/v1\/webhooks/],
  ['Health', 'For those who watch over the node', /^\/(?:healthz|readyz|metrics)$/],
]

const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDetails' } } }
const RETRY_AFTER = {
  'Retry-After': { schema: { type: 'integer' }, description: 's until the client should ask again' },
}

const IDEMPOTENCY_KEY = {
  in: 'header',
  name: 'Idempotency-Key',
  description:
    'A key of this request, in quotes: sent again with it, to any node within a day, it is not done again and gets the first answer',
  schema: { type: 'string', maxLength: REQUEST_KEY_MAX + 2 },
}

interface Operation {
  readonly summary: string
  readonly parameters?: readonly { readonly in: string }[]
  readonly requestBody?: unknown
  responses: Record<string, { readonly description: string; readonly headers?: unknown }>
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/** The document of these routes. */
export function apiDocument(api: Pick<OpenAPIHono, 'getOpenAPI31Document'>): object {
  const tags = GROUPS.map(([name, description]) => ({ name, description }))
  const document = api.getOpenAPI31Document({ ...API_INFO, tags })
  for (const [path, methods] of Object.entries((document.paths ?? {}) as unknown as Paths))
    for (const [method, operation] of Object.entries(methods))
      Object.assign(operation, {
        tags: GROUPS.flatMap(([name, , paths]) => (paths.test(path) ? [name] : [])),
        ...textsOf(operation),
        ...(isPublicPath(path) && { security: [] }),
        responses: withRefusals({ method, path }, operation),
        parameters: parametersOf(method, operation),
      })
  return document
}

/** A summary is plain text, a description Markdown. */
const textsOf = ({ summary }: Operation): object => ({
  summary: summary.replaceAll('`', ''),
  ...(summary.includes('`') && { description: summary }),
})

const parametersOf = (method: string, { parameters = [] }: Operation): Operation['parameters'] =>
  method === 'post' ? [...parameters, IDEMPOTENCY_KEY] : parameters

function withRefusals(
  route: { readonly method: string; readonly path: string },
  { parameters = [], requestBody, responses }: Operation,
): Operation['responses'] {
  const hasQuery = parameters.some((parameter) => parameter.in === 'query')
  const shape = { ...route, hasBody: requestBody !== undefined, hasQuery }
  const refusals = [...refusalsOf(shape)].map(([status, description]) => [status, { content: PROBLEM, description }])
  const all = { ...Object.fromEntries(refusals), ...responses } as Operation['responses']
  for (const [status, { description }] of Object.entries(responses)) {
    const also = refusalsOf(shape).get(Number(status))
    if (also !== undefined) all[status] = { ...responses[status], description: `${description}; or ${also}` }
  }
  for (const status of RETRY_STATUSES) if (all[status]) all[status] = { ...all[status], headers: RETRY_AFTER }
  return all
}

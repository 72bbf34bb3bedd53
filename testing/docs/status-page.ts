/**
 * docs/status.md, made from the schemas of the API and the catalogue of events. `scripts/docs.ts` writes it, and a structure test
 * compares.
 */

import type { NodeFace } from '../../node/face.ts'
import { type ApiModules, createApi } from '../../node/http/api.ts'
import { EVENTS } from '../../protocol/events.ts'

/** Repository path of the page. */
export const STATUS_PAGE = 'docs/status.md'

/** What the page reads of a schema, as OpenAPI 3.1 has it. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly default?: unknown
}

interface Operation {
  readonly summary: string
  readonly description?: string
  readonly requestBody?: { readonly content: { readonly 'application/json'?: { readonly schema: Schema } } }
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly content?: Readonly<
          Partial<Record<'application/json' | 'text/event-stream', { readonly schema: Schema }>>
        >
      }
    >
  >
}

/** The API as its own server describes it. */
export async function openApi(): Promise<Record<string, unknown>> {
  const response = await createApi({} as NodeFace, {} as ApiModules).request('/openapi.json')
  return (await response.json()) as Record<string, unknown>
}

type Components = Readonly<Record<string, Schema>>
type Fields = Readonly<Record<string, Schema>>

const INTRODUCTION = `# The status and the HTTP API of a node

<!-- Made from protocol/status.ts, protocol/api.ts and protocol/events.ts by \`sh scripts/node.sh scripts/docs.ts\`: do not edit. -->

\`reelmesh status --json\` prints one object, \`Status\`. \`GET /v1/status\` on the control socket answers the same, and so does another peer
over the mesh, by members (\`status --peer MULTIADDR\`). Fields are only ever added: pass over what you do not know. Times are milliseconds since
1970; durations are in seconds where the name ends in \`_s\`.

## The status
`

const EVENTS_TEXT = `## Events

Each event is also a line in the log of the peer that emitted it: \`msg\` is the code, \`text\` the sentence and \`event\` has its fields
([protocol/events.ts](../protocol/events.ts)).
`

const API_TEXT = `## The HTTP API

Every node serves it on the Unix socket \`control.sock\` in its data folder, which only its owner can open (of a data folder with a path of
more than 87 bytes the socket is in the temporary folder, as \`reelmesh-….sock\`), and with \`--http\` [over TCP](operations.md#the-http-api).
\`GET /openapi.json\` has all of it as OpenAPI 3.1, with the problems that each request may be answered with; \`/docs\` shows that in a browser. Bodies are JSON and need \`content-type: application/json\`.
A request that is refused, or fails, is answered with [ProblemDetails](#problemdetails): the \`detail\` is the sentence that the command line prints.

| status | when |
|---|---|
| 400 | the body is not JSON, or a parameter is wrong (\`field\`) |
| 401 | over TCP: a token is needed, and none of this node was given |
| 403 | over TCP: a token to view with wants to change something, a page of another origin does, or a file outside \`http_folders\` is named |
| 404 | there is no such video, peer, file or route |
| 405 | the route takes other methods, those of \`Allow\` |
| 409 | the video is in no state in which this applies, or several peers have that name |
| 410 | of a file of a package: the video was cancelled or has failed, or the file was moved or changed since its delivery |
| 412 | of an upload: the header \`Tus-Resumable\` is missing |
| 413, 415 | the body is larger than 1 MiB, or an upload than \`http_upload_gb\`, or does not come as JSON |
| 416 | the range is beyond the end |
| 421 | over TCP: the \`Host\` header names another server |
| 422 | a field of the body is wrong (\`field\`), or the source or recipe cannot be used |
| 429, 503 | too many requests; the ledger or a peer does not answer: ask again after \`Retry-After\` |
| 500 | the node failed |
| 507 | of an upload: the disk, or what \`http_upload_gb\` allows, has no room for it |

\`\`\`sh
curl --unix-socket ~/.local/share/reelmesh/control.sock http://node/v1/status
curl --unix-socket ~/.local/share/reelmesh/control.sock http://node/v1/videos \\
  --json '{"path": "/films/film.mp4", "out": "/films/out", "recipe": {"renditions": ["480p", "720p"]}}'
\`\`\`
`

/** The whole page. */
export async function statusPage(): Promise<string> {
  const document = await openApi()
  const { schemas } = document.components as { schemas: Components }
  const status = reachable('Status', schemas)
  const others = Object.keys(schemas).filter((name) => !status.includes(name))
  const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>
  return [
    INTRODUCTION,
    ...status.map((name) => table(name, schemas)),
    EVENTS_TEXT,
    rows(
      '`what` | level | meaning',
      Object.entries(EVENTS).map(([code, { level, meaning }]) => [`\`${code}\``, level, meaning]),
    ),
    API_TEXT,
    rows(
      'request | body | answer | refused with | what it does',
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => route(method, path, operation)),
      ),
    ),
    ...others.map((name) => table(name, schemas)),
  ].join('\n')
}

/** A table of Markdown; `head` has its columns. */
export const rows = (head: string, body: readonly (readonly string[])[]): string => {
  const line = head.split(' | ').map(() => '---')
  return [`| ${head} |`, `|${line.join('|')}|`, ...body.map((cells) => `| ${cells.join(' | ')} |`), ''].join('\n')
}

function route(
  method: string,
  path: string,
  { summary, description = summary, requestBody, responses }: Operation,
): string[] {
  const json = requestBody?.content['application/json']
  const body = json ? typeText(json.schema) : requestBody ? 'bytes' : ''
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'))
  const { 'application/json': answer, 'text/event-stream': stream } = good?.[1].content ?? {}
  const form = answer
    ? typeText(answer.schema)
    : stream
      ? `stream of ${reference('Event')}`
      : good?.[1].content
        ? 'bytes'
        : ''
  const refused = Object.keys(responses).filter((status) => Number(status) >= 400)
  return [`\`${method.toUpperCase()} ${path}\``, body, `${good?.[0]} ${form}`, refused.join(', '), description]
}

/** The component and all that it refers to, in the order in which they are mentioned. */
function reachable(name: string, schemas: Components, found: string[] = []): string[] {
  if (found.includes(name)) return found
  found.push(name)
  for (const [, other = ''] of JSON.stringify(schemas[name]).matchAll(/"#\/components\/schemas\/(\w+)"/g))
    reachable(other, schemas, found)
  return found
}

/** A component; of one that has all fields of another, those that it adds. */
function table(name: string, schemas: Components): string {
  const { description = '', properties = {} } = schemas[name] ?? {}
  const base = Object.keys(schemas).find(
    (other) => other !== name && extendsFields(properties, schemas[other]?.properties),
  )
  const inherited = Object.keys((base && schemas[base]?.properties) ?? {})
  const own = Object.fromEntries(Object.entries(properties).filter(([field]) => !inherited.includes(field)))
  const note = base === undefined ? '' : ` It has all fields of ${reference(base)} and these:`
  return `### ${name}\n\n${description}${note}\n\n${rows('field | type | meaning', fields({ properties: own }, schemas))}`
}

const extendsFields = (fields: Fields, base: Fields | undefined): boolean =>
  base !== undefined &&
  Object.keys(base).length > 3 &&
  Object.entries(base).every(([name, field]) => JSON.stringify(fields[name]) === JSON.stringify(field))

/** A row for each field, those of objects within it below it. */
export function fields(schema: Schema, schemas: Components, prefix = ''): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const at = `${prefix}${name}`
    const isList = field.items !== undefined
    const inner = isList ? field.items : field
    const row = [`\`${at}\``, typeText(field), meaning(field.$ref ? (schemas[nameOf(field.$ref)] ?? field) : field)]
    return [row, ...fields(inner ?? {}, schemas, `${at}${isList ? '[]' : ''}.`)]
  })
}

function meaning({ description = '', ...field }: Schema): string {
  if (field.default === undefined || typeof field.default === 'object') return description
  return `${description}${description ? '; ' : ''}default ${JSON.stringify(field.default)}`
}

function typeText(schema: Schema): string {
  const { $ref, type, items, anyOf } = schema
  if ($ref) return reference($ref)
  if (anyOf) return [...new Set(anyOf.map(typeText))].join(' or ')
  if (schema.allOf)
    return schema.allOf
      .filter((each) => each.$ref || each.type)
      .map(typeText)
      .join(' and ')
  if (items) return `list of ${typeText(items)}`
  if (schema.enum) return schema.enum.map((each) => `\`${JSON.stringify(each)}\``).join(', ')
  return [type ?? 'object'].flat().join(' or ')
}

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1)

const reference = (ref: string): string => `[${nameOf(ref)}](#${nameOf(ref).toLowerCase()})`

/** That the OpenAPI document lists of each operation the problems that guard and API really answer, and no others. */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Room } from '../../protocol/blobs.ts'
import { LedgerUnavailable, ReelmeshError } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import type { NodeFace } from '../face.ts'
import { systemRng as rng } from '../host/system-clock.ts'
import { createUploadFiles } from '../uploads/upload-files.ts'
import { type ApiModules, createApi } from './api.ts'
import { guarded } from './guard.ts'
import { parseTokens, type Token } from './tokens.ts'

const ID = '0123456789abcdef'
const [VIEW, OPERATE] = ['view-0123456789abcdef', 'operate-0123456789abcdef']
const TWINS = ['a', 'b'].map((peer) => ({ peer, name: 'twin' }))
/** A right body of each operation that takes one. */
const BODIES: Readonly<Record<string, unknown>> = {
  submit: { path: '/films/a.mp4', recipe: {} },
  submitUpload: { recipe: {} },
  priority: { priority: 1 },
  deadline: { deadline: null },
}
/** Their problems depend on files, or on what a stream is opened on. */
const FILES = [
  'ready',
  'metrics',
  'createUpload',
  'upload',
  'writeUpload',
  'removeUpload',
  'eventStream',
  'artifact',
  'log',
  'hlsFile',
  'dashFile',
]

interface Operation {
  readonly operationId: string
  readonly responses: Readonly<Record<string, { readonly content?: object; readonly headers?: object }>>
}

let fails: Error | null = null
let acted: 'changed' | 'unchanged' = 'changed'
const answer =
  <T>(value: T) =>
  async () => {
    if (fails) throw fails
    return value
  }
/** Keys that stand for requests of others. */
const requests = {
  beginRequest: async ({ key, request }: { key: string; request: string }) => ({
    request: key === 'another' ? 'other' : request,
    token: 'other',
    answer: null,
  }),
}
const video = { _id: ID, name: 'film', status: 'COMPLETED', outputs: [] }
const face = {
  ledger: {
    video: async (id: VideoId) => (await answer(id === ID ? video : null)()) as never,
    videos: answer([]),
    events: answer([]),
    webhooks: answer([]),
    resendWebhook: answer('unchanged'),
    ...requests,
  },
  // What it cannot read it leaves out.
  snapshot: async () => (fails === null || fails instanceof LedgerUnavailable ? { peers: TWINS } : await answer(0)()),
  video: async (id: VideoId) => await face.ledger.video(id),
  rows: answer([]),
  peers: answer([]),
  engines: answer([]),
  tasks: answer([]),
  attempts: answer({ attempts: [], next: null }),
  act: async () => (await answer(acted)()) as never,
  setPeer: answer(undefined),
  submit: answer({ id: ID }),
  get ladders() {
    if (fails && !(fails instanceof LedgerUnavailable)) throw fails
    return {}
  },
} as unknown as NodeFace
const uploads = {
  ...createUploadFiles({ dir: join(tmpdir(), 'reelmesh-no-uploads'), bytesMax: 0, room: answer({} as Room), rng }),
  finish: async (id: string) => {
    if (id !== ID) throw new ReelmeshError('unknown_upload', 'there is no such upload')
    if (acted === 'unchanged') throw new ReelmeshError('upload_open', 'bytes are missing')
    return '/uploads/film.mp4'
  },
}
const api = createApi(face, {
  metrics: null,
  admission: { state: () => 'idle' },
  uploads,
  rng,
  log: silentLog,
} as unknown as ApiModules)
let now = 0
const guard = (tokens: readonly Token[] = []) =>
  guarded(
    {
      isLoopback: true,
      isTls: false,
      isBehindProxy: false,
      hosts: [],
      origins: [],
      folders: ['/'],
      tokens: () => tokens,
    },
    {
      api,
      ledger: face.ledger,
      others: { urls: () => [], areOrigin: () => false },
      clock: { mono: () => now },
      log: silentLog,
    },
  )

interface Asked {
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

/** Asks one operation in every way in which it may be refused. Answers the statuses of refusals. */
async function refusals(method: string, template: string, { operationId }: Operation): Promise<Set<number>> {
  const [open, closed] = [guard(), guard(parseTokens(`view ${VIEW}\noperate ${OPERATE}`) as readonly Token[])]
  const seen = new Set<number>()
  const right = BODIES[operationId] === undefined ? undefined : JSON.stringify(BODIES[operationId])
  const pathOf = (id: string, peer: string) =>
    template.replace('{id}', id).replace('{peer}', peer).replace('{sha256}', 'x').replace('{file}', 'x')
  const ask = async ({ path = pathOf(ID, 'a'), headers = {}, body = right }: Asked = {}, at = open) => {
    // So that the rate never is the reason, but where it is meant.
    now += 3_600_000
    return await send({ path, headers, body }, at)
  }
  const send = async ({ path, headers, body }: Required<Pick<Asked, 'path'>> & Asked, at: typeof open) => {
    const all = { host: '127.0.0.1', 'content-type': 'application/json', ...headers }
    const init = { method: method.toUpperCase(), headers: all, ...(method === 'post' && { body: body ?? '' }) }
    const { status } = await at.request(path!, init, { incoming: { socket: { remoteAddress: '127.0.0.1' } } } as never)
    if (status >= 400) seen.add(status)
    return status
  }
  await ask({ headers: { host: 'evil.example' } })
  await ask({}, closed)
  await ask({ headers: { authorization: `Bearer ${VIEW}` } }, closed)
  await ask({ headers: { origin: 'https://evil.example' } })
  await ask({ headers: { 'content-type': 'text/plain' } })
  await ask({ path: `${pathOf(ID, 'a')}?other=1` })
  for (const key of ['', 'runs', 'another']) await ask({ headers: { 'idempotency-key': `"${key}"` } })
  if (right !== undefined) for (const body of ['{', '{"other": 1}', '[]']) await ask({ body })
  await ask({ body: ' '.repeat(1024 * 1024 + 1), headers: { 'content-length': String(1024 * 1024 + 1) } })
  for (const peer of ['twin', 'nobody']) await ask({ path: pathOf('f'.repeat(16), peer) })
  acted = 'unchanged'
  await ask()
  acted = 'changed'
  for (const error of [new Error('a bug'), new LedgerUnavailable('away')]) {
    fails = error
    await ask()
    fails = null
  }
  let status = 0
  for (let asked = 0; asked < 2_000 && status !== 429; asked++)
    status = await send({ path: pathOf(ID, 'a'), headers: {}, body: right ?? '' }, open)
  return seen
}

test('the document lists the problems of each operation that it really answers, and no others', async () => {
  const { paths } = (await (await api.request('/openapi.json')).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  }
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const { operationId, responses } = operation
      const listed = Object.keys(responses)
        .map(Number)
        .filter((status) => status >= 400)
      const seen = [...(await refusals(method, path, operation))].sort()
      if (FILES.includes(operationId))
        assert.deepEqual(
          seen.filter((status) => !listed.includes(status)),
          [],
          operationId,
        )
      else assert.deepEqual(seen, listed.sort(), operationId)
      for (const status of listed) {
        const { content, headers } = responses[status]!
        assert.ok(content && 'application/problem+json' in content, `${operationId} ${status}`)
        assert.equal(headers !== undefined && 'Retry-After' in headers, [429, 503].includes(status), operationId)
      }
    }
  }
})

test('each operation is in one group, its summary has no marks of Markdown, and what needs no token says so', async () => {
  const { paths, tags } = (await (await api.request('/openapi.json')).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, { tags: string[]; summary: string; security?: unknown[] }>>>>
    tags: readonly { name: string }[]
  }
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => ({ path, ...operation })),
  )
  for (const { path, tags, summary } of operations) {
    assert.equal(tags.length, 1, path)
    assert.doesNotMatch(summary, /`/)
  }
  assert.deepEqual(new Set(operations.flatMap(({ tags }) => tags)), new Set(tags.map(({ name }) => name)))
  const open = operations.filter(({ security }) => security?.length === 0).map(({ path }) => path)
  assert.deepEqual(open.sort(), ['/healthz', '/readyz'])
})

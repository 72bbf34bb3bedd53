/** The API without a socket: what is refused, and in which words. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { LedgerUnavailable, RecipeRefused, SourceRefused, UsageError } from '../../protocol/errors.ts'
import { asPeerId, type VideoId } from '../../protocol/ids.ts'
import { builtInLadders } from '../../protocol/ladders.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE, ladderOf } from '../../protocol/recipe.ts'
import type { NodeFace } from '../face.ts'
import type { SubmitRequest } from '../videos/submit.ts'
import { type ApiModules, createApi } from './api.ts'
import type { HttpEnv } from './http-env.ts'

const known = '0123456789abcdef' as VideoId
const peer = `12D3KooW${'a'.repeat(44)}`
let acts: unknown[]
let submitted: SubmitRequest | null
let fails: Error | null
let status: string
let folders: HttpEnv['Bindings']['folders']
let acted: 'changed' | 'unchanged'
let api: ReturnType<typeof createApi>

beforeEach(() => {
  acts = []
  submitted = null
  fails = null
  status = 'RUNNING'
  folders = 'any'
  acted = 'changed'
  const ledger = {
    video: async (id: VideoId) => {
      if (fails) throw fails
      return id === known ? { _id: id, name: 'film', status } : null
    },
  } as never as Ledger
  const face = {
    self: asPeerId(peer),
    ledger,
    snapshot: async () => ({
      peers: [
        { peer, name: 'twin' },
        { peer: 'other', name: 'twin' },
        { peer: 'third', name: 'lone' },
      ],
    }),
    video: (id: VideoId) => ledger.video(id),
    tasks: async () => [],
    act: async (what: unknown, video: VideoId) => {
      acts.push([what, video])
      return acted
    },
    ladders: { mine: { ...builtInLadders()['web']!, description: 'Mine.' } },
    setPeer: async (id: string, change: unknown) => void acts.push([id, change]),
    submit: async (request: SubmitRequest) => {
      if (fails) throw fails
      submitted = request
      return { id: known, name: 'film', outcome: 'created', status: 'QUEUED' }
    },
  } as never as NodeFace
  api = createApi(face, { log: silentLog } as ApiModules)
})

async function ask(
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<{ status: number; code?: string; detail: string; field?: string; result?: string; id?: string }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { 'content-type': type }
  const init = { method, ...(body !== undefined && { body: text, headers }) }
  const response = await api.request(path, init, { folders })
  return { ...((await response.json()) as { detail: string }), status: response.status }
}

describe('the API', () => {
  it('lists the ladders of its configuration, then the built-in ones', async () => {
    const all = (await (await api.request('/v1/ladders')).json()) as { name: string; built_in: boolean }[]
    assert.deepEqual(
      all.map(({ name, built_in }) => `${name} ${built_in}`),
      ['mine false', ...Object.keys(builtInLadders()).map((name) => `${name} true`)],
    )
  })

  it('takes a submit and fills in what was left out', async () => {
    assert.equal((await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {}, out: null })).status, 201)
    assert.deepEqual([submitted?.recipe, submitted?.priority], [DEFAULT_RECIPE, 0])
    const recipe = { renditions: ['720p'] }
    assert.equal((await ask('POST', '/v1/videos', { path: '/a.mp4', recipe, out: null })).status, 201)
    assert.deepEqual(submitted?.recipe.renditions, ladderOf([720]))
  })

  for (const body of ['hello', '', '{"path": '])
    it(`answers 400 to a submit of what is not JSON: ${JSON.stringify(body)}`, async () => {
      const { status, code, detail } = await ask('POST', '/v1/videos', body)
      assert.deepEqual([status, code, detail, submitted], [400, 'bad_request', 'the body is not JSON', null])
    })

  const wrong: readonly [title: string, body: unknown, says: RegExp][] = [
    ['a list', [], /^the body: /],
    ['a field that there is not', { path: '/a', recipe: {}, preset: 'fast' }, /^preset: is not known here$/],
    ['a field that is misspelt', { pth: '/a', recipe: {} }, /^pth: is not known here$/],
    ['a field of the recipe that there is not', { path: '/a', recipe: { preset: 'fast' } }, /^recipe\.preset: is not/],
    ['no path', { recipe: {} }, /^path: is missing$/],
    ['a path that is a number', { path: 5, recipe: {} }, /^path: must be a text$/],
    ['a path that is not absolute', { path: 'a.mp4', recipe: {}, out: null }, /^path: must be an absolute path$/],
    [
      'a rendition there is not',
      { path: '/a', recipe: { renditions: ['4K'] }, out: null },
      /^recipe\.renditions\.0: is neither/,
    ],
    [
      'half a rendition',
      { path: '/a', recipe: { renditions: [{ id: 'x' }] } },
      /^recipe\.renditions\.0\.\w+: is missing$/,
    ],
    [
      'no rendition at all',
      { path: '/a', recipe: { renditions: [] }, out: null },
      /^recipe\.renditions: must have at least 1$/,
    ],
    [
      'a number as text',
      { path: '/a', recipe: { keyframe_s: '3' }, out: null },
      /^recipe\.keyframe_s: must be a number$/,
    ],
    [
      'a number out of bounds',
      { path: '/a', recipe: { audio_kbps: 9 }, out: null },
      /^recipe\.audio_kbps: must be at least 16$/,
    ],
    ['a folder that is not absolute', { path: '/a', recipe: {}, out: 'out' }, /^out: must be an absolute path$/],
    [
      'a priority that is none',
      { path: '/a', recipe: {}, out: null, priority: 1e9 },
      /^priority: must be at most 1000$/,
    ],
  ]
  for (const [title, body, says] of wrong) {
    it(`answers 422, the field and one sentence to a submit of ${title}`, async () => {
      const { status, code, detail, field } = await ask('POST', '/v1/videos', body)
      assert.deepEqual([status, code, submitted], [422, 'bad_request', null])
      assert.match(detail, says)
      assert.ok(detail.startsWith(`${field || 'the body'}: `), detail)
      assert.doesNotMatch(detail, /\n/)
    })
  }

  it('asks for JSON by its name, so that no page of a browser can send a body', async () => {
    const body = { path: '/a.mp4', recipe: {} }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const { status, code, detail } = await ask('POST', '/v1/videos', body, type)
      assert.deepEqual([status, code, submitted], [415, 'bad_request', null])
      assert.match(detail, /content-type: application\/json/)
    }
  })

  it('answers 422 with the sentence of a source that is refused', async () => {
    const refused = new SourceRefused('/a.mp4 is a folder')
    fails = refused
    const { status, code, detail, field } = await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {}, out: null })
    assert.deepEqual([status, code, detail, field], [422, 'source_refused', '/a.mp4 is a folder', 'path'])
    refused.field = 'subtitles.0.path'
    assert.equal((await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {} })).field, 'subtitles.0.path')
  })

  it('answers 422 with the field of a file beside the source that the node may not read', async () => {
    fails = Object.assign(new Error("EACCES: permission denied, open '/b.srt'"), { code: 'EACCES', path: '/b.srt' })
    const files = { subtitles: [{ path: '/a.srt' }, { path: '/b.srt' }] }
    const { status, code, detail, field } = await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {}, ...files })
    assert.deepEqual([status, code, field], [422, 'source_refused', 'subtitles.1.path'])
    assert.match(detail, /^"\/b\.srt": the user of this node may not read it \(EACCES\)/)
    assert.equal((await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {} })).status, 500)
  })

  it('names the field of a body that is right by its form, but not to be used', async () => {
    fails = new UsageError('the deadline is more than two years past', { field: 'deadline' })
    const { status, code, field } = await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {}, deadline: 5 })
    assert.deepEqual([status, code, field], [422, 'usage', 'deadline'])
  })

  it('answers 422 with the sentence of a recipe that is refused', async () => {
    fails = new RecipeRefused('The rendition 480p asks for the codec "av9": use h264 or hevc.')
    const { status, code, detail, field } = await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {} })
    assert.deepEqual([status, code, detail, field], [422, 'recipe_refused', fails.message, 'recipe'])
    for (const [wrong, named] of [
      ['recipe.renditions', 'ladder'],
      ['recipe.packaging', 'recipe.packaging'],
    ]) {
      fails = new RecipeRefused('It cannot be made.', { field: wrong! })
      assert.equal((await ask('POST', '/v1/videos', { path: '/a.mp4', recipe: {}, ladder: 'web' })).field, named)
    }
  })

  const verbs = [
    ['GET', ''],
    ['GET', '/tasks'],
    ['POST', '/cancel'],
    ['POST', '/retry'],
    ['POST', '/priority'],
    ['POST', '/deadline'],
  ] as const
  for (const [method, verb] of verbs) {
    const body = { '/priority': { priority: 1 }, '/deadline': { deadline: 5 } }[verb as string]

    it(`answers 404 to ${method} ${verb || 'of a video'} that is not there, and to an id that is none, and acts on neither`, async () => {
      const missing = await ask(method, `/v1/videos/${'f'.repeat(16)}${verb}`, body)
      assert.deepEqual([missing.status, missing.code], [404, 'unknown_video'])
      const nonsense = await ask(method, `/v1/videos/..%2fetc${verb}`, body)
      assert.deepEqual([nonsense.status, nonsense.code], [404, 'unknown_video'])
      assert.match(nonsense.detail, /is not a video id/)
      assert.deepEqual(acts, [])
    })

    it(`answers 503 to ${method} ${verb || 'of a video'} while the ledger is away`, async () => {
      fails = new LedgerUnavailable('the ledger did not answer')
      const { status, code } = await ask(method, `/v1/videos/${known}${verb}`, body)
      assert.deepEqual([status, code], [503, 'ledger_away'])
    })
  }

  it('cancels, retries and reorders', async () => {
    for (const verb of ['cancel', 'retry'] as const)
      assert.equal((await ask('POST', `/v1/videos/${known}/${verb}`)).result, 'changed')
    await ask('POST', `/v1/videos/${known}/priority`, { priority: -3 })
    assert.deepEqual(acts, [
      ['cancel', known],
      ['retry', known],
      [{ priority: -3 }, known],
    ])
    assert.equal((await ask('POST', `/v1/videos/${known}/priority`, { priority: 1.5 })).status, 422)
    for (const deadline of [1_798_131_600_000, null])
      assert.equal((await ask('POST', `/v1/videos/${known}/deadline`, { deadline })).result, 'changed')
    assert.deepEqual(acts.slice(3), [
      [{ deadline: 1_798_131_600_000 }, known],
      [{ deadline: null }, known],
    ])
    for (const deadline of ['18:00', 1.5, undefined])
      assert.equal((await ask('POST', `/v1/videos/${known}/deadline`, { deadline })).status, 422)
  })

  it('answers 409 with the state of a video to what does not apply to it, and 200 where nothing is left to do', async () => {
    acted = 'unchanged'
    const outcomes = async (verb: string, body?: unknown) => {
      const { status, code, result } = await ask('POST', `/v1/videos/${known}/${verb}`, body)
      return [status, code ?? result]
    }
    for (const state of ['COMPLETED', 'FAILED']) {
      status = state
      assert.deepEqual(await outcomes('cancel'), [409, 'conflict'])
    }
    status = 'CANCELLED'
    assert.deepEqual(await outcomes('cancel'), [200, 'unchanged'])
    assert.deepEqual(await outcomes('priority', { priority: 1 }), [409, 'conflict'])
    status = 'PLANNING'
    assert.deepEqual(await outcomes('retry'), [200, 'unchanged'])
    status = 'COMPLETED'
    assert.equal(
      (await ask('POST', `/v1/videos/${known}/retry`)).detail,
      'film is COMPLETED: there is nothing to retry',
    )
  })

  it('pauses a peer by name or id, and asks for the id where a name is no one’s alone', async () => {
    assert.equal((await ask('POST', '/v1/peers/lone/pause')).status, 200)
    assert.equal((await ask('POST', `/v1/peers/${peer}/resume`)).status, 200)
    const twins = await ask('POST', '/v1/peers/twin/pause')
    assert.deepEqual([twins.status, twins.detail.startsWith('2 peers are called twin')], [409, true])
    const nobody = await ask('POST', '/v1/peers/nobody/pause')
    assert.deepEqual([nobody.status, nobody.code], [404, 'unknown_peer'])
    assert.deepEqual(
      acts.map((act) => (act as unknown[])[0]),
      ['third', peer],
    )
  })

  it('says what there is not', async () => {
    assert.equal((await ask('GET', '/v2')).detail, 'there is nothing at /v2')
    const answer = await api.request('/v1/videos', { method: 'DELETE' })
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD, POST'])
  })

  it('distinguishes a bug from a bad request, and shows no stack of it', async () => {
    fails = new Error('a bug')
    const answer = await api.request(`/v1/videos/${known}`)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual(await answer.json(), {
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      code: 'unexpected',
      detail: 'a bug',
    })
  })

  it('says when to ask again while the ledger is away', async () => {
    fails = new LedgerUnavailable('away')
    assert.equal((await api.request(`/v1/videos/${known}`)).headers.get('retry-after'), '2')
  })

  it('shows its own documentation', async () => {
    const page = await (await api.request('/docs')).text()
    for (const [, path = ''] of page.matchAll(/(?:src|href)="(\/[^"]+)"/g))
      assert.equal((await api.request(path)).status, 200, path)
  })
})

describe('the bounds of a request', () => {
  it('are a body of 1 MiB, however it is sent, and paths without NUL', async () => {
    const part = new Uint8Array(64 * 1024).fill(32)
    let sent = 0
    const endless = new ReadableStream({
      pull: (controller) => (sent++ < 100_000 ? controller.enqueue(part) : controller.close()),
    })
    const headers = { 'content-type': 'application/json' }
    const request = new Request('http://node/v1/videos', {
      method: 'POST',
      headers,
      body: endless,
      duplex: 'half',
    } as RequestInit)
    const answer = await api.request(request)
    assert.equal(answer.status, 413)
    assert.match(((await answer.json()) as { detail: string }).detail, /larger than 1 MiB/)
    assert.ok(sent < 100, `${sent} parts were read`)
    for (const wrong of [{ path: '/a\0b' }, { path: '/a', out: '/o\0' }, { path: `/${'x'.repeat(5_000)}` }])
      assert.equal((await ask('POST', '/v1/videos', { recipe: {}, ...wrong })).status, 422)
    assert.equal(submitted, null)
  })
})

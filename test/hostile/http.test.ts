/**
 * Hostile requests to the TCP listener of a node, as bytes on a socket: each is refused or harmless, in a sentence without a stack, and none of them
 * changes anything.
 */
import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { NodeFace } from '../../node/face.ts'
import { systemRng as rng, systemClock } from '../../node/host/system-clock.ts'
import { createApi } from '../../node/http/api.ts'
import { type GuardOptions, guarded } from '../../node/http/guard.ts'
import { type HttpServer, serveHttp } from '../../node/http/http-server.ts'
import { parseTokens, type Token } from '../../node/http/tokens.ts'
import { createArtifactFiles } from '../../node/streams/artifact-files.ts'
import type { ArtifactReads } from '../../node/streams/artifact-reads.ts'
import type { AttemptLogs } from '../../node/streams/attempt-logs.ts'
import { createStreams } from '../../node/streams/streams.ts'
import { createUploadFiles, type UploadFiles } from '../../node/uploads/upload-files.ts'
import { webhookProblem } from '../../node/webhooks/open-webhooks.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import { DEFAULT_RECIPE } from '../../protocol/recipe.ts'
import type { Video } from '../../protocol/video.ts'
import type { Ends } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'

const ID = '0123456789abcdef'
/** An upload that lacks bytes. */
const UPLOAD = ID.repeat(2)
const TUS = 'Tus-Resumable: 1.0.0'
const [VIEW, OPERATE] = ['view-0123456789abcdef', 'operate-0123456789abcdef']
const JSON_TYPE = 'Content-Type: application/json'

/** What was done to the node. */
let acts: unknown[]
let films: string
let uploads: UploadFiles
let server: HttpServer
/** One as beyond loopback, with tokens. */
let beyond: HttpServer
let port: number

/** A request as bytes; `own` stands for a right Host header. */
type Bytes = string | (() => string | Buffer)
/** The status of the answer; null: the connection is closed without one. */
type Case = readonly [what: string, bytes: Bytes, status: number | null, code?: string]

const own = () => `Host: 127.0.0.1:${port}\r\nConnection: close\r\n`
const get = (path: string, ...headers: string[]): Bytes => request('GET', path, headers)
const request =
  (method: string, path: string, headers: readonly string[], body = ''): Bytes =>
  () =>
    `${method} ${path} HTTP/1.1\r\n${own()}${headers.map((line) => `${line.replace('PORT', String(port))}\r\n`).join('')}${
      body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
    }\r\n${body}`
const post = (path: string, headers: readonly string[], body = ''): Bytes => request('POST', path, headers, body)
const submit = (body: unknown, ...headers: string[]): Bytes =>
  post('/v1/videos', [JSON_TYPE, ...headers], typeof body === 'string' ? body : JSON.stringify(body))
const named =
  (body: () => object): Bytes =>
  () =>
    call(submit({ recipe: {}, ...body() }))
const host = (value: string): Bytes => `GET /v1/status HTTP/1.1\r\nHost: ${value}\r\nConnection: close\r\n\r\n`
const CANCEL = `/v1/videos/${ID}/cancel`
const BYTES_TYPE = 'Content-Type: application/offset+octet-stream'
const write = (id: string, offset: number, body: string): Bytes =>
  request('PATCH', `/v1/uploads/${id}`, [TUS, BYTES_TYPE, `Upload-Offset: ${offset}`], body)
const del = (id: string, ...headers: string[]): Bytes => request('DELETE', `/v1/uploads/${id}`, [TUS, ...headers])
const cancel = (...headers: string[]): Bytes => post(CANCEL, headers)

const CASES: readonly Case[] = [
  ['another name', host('evil.example'), 421, 'wrong_host'],
  ['a name that begins like ours', host('localhost.evil.example'), 421, 'wrong_host'],
  ['a name that begins like an address', host('127.0.0.1.evil.example:80'), 421, 'wrong_host'],
  ['a name that begins like an address of IPv6', host('[::1].evil.example'), 400],
  ['another address', host('10.0.0.1'), 421, 'wrong_host'],
  ['an address of all hosts', host('0.0.0.0:8080'), 421, 'wrong_host'],
  ['a name with a dot behind it', host('localhost.'), 421, 'wrong_host'],
  ['a user before the name', host('evil@127.0.0.1'), 400],
  ['an empty name', host(''), 400],
  ['no name', 'GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['no name in HTTP/1.0', 'GET /v1/status HTTP/1.0\r\n\r\n', 400],
  ['a port that is none', host('127.0.0.1:99999'), 400],
  ['another name, then ours', host('evil.example\r\nHost: localhost'), 421, 'wrong_host'],
  ['another server as the target', () => `GET http://evil.example/v1/none HTTP/1.1\r\n${own()}\r\n`, 404, 'not_found'],

  ['a bare POST, as any page can send', cancel(), 415, 'bad_request'],
  ['a POST of text, as any page can send', cancel('Content-Type: text/plain'), 415, 'bad_request'],
  ['a form', cancel('Content-Type: application/x-www-form-urlencoded'), 415, 'bad_request'],
  ['a form with files', cancel('Content-Type: multipart/form-data; boundary=x'), 415, 'bad_request'],
  ['text that speaks of JSON', cancel('Content-Type: text/plain; application/json'), 415, 'bad_request'],
  ['JSON of another origin', cancel(JSON_TYPE, 'Origin: https://evil.example'), 403, 'foreign_origin'],
  ['JSON of no origin', cancel(JSON_TYPE, 'Origin: null'), 403, 'foreign_origin'],
  ['JSON of another port', cancel(JSON_TYPE, 'Origin: http://127.0.0.1:1'), 403, 'foreign_origin'],
  ['JSON of another scheme', cancel(JSON_TYPE, 'Origin: https://127.0.0.1:PORT'), 403, 'foreign_origin'],
  ['JSON of a name like ours', cancel(JSON_TYPE, 'Origin: http://127.0.0.1:PORT.evil.example'), 403, 'foreign_origin'],
  ['JSON across sites', cancel(JSON_TYPE, 'Sec-Fetch-Site: cross-site'), 403, 'foreign_origin'],
  ['JSON across origins of a site', cancel(JSON_TYPE, 'Sec-Fetch-Site: same-site'), 403, 'foreign_origin'],
  ['JSON of an unknown site', cancel(JSON_TYPE, 'Sec-Fetch-Site: new'), 403, 'foreign_origin'],
  [
    'two headers that disagree',
    cancel(JSON_TYPE, 'Sec-Fetch-Site: same-origin', 'Origin: https://evil.example'),
    403,
    'foreign_origin',
  ],
  ['a change by GET', get(CANCEL), 405, 'wrong_method'],
  ['a change by GET with another method', get(`${CANCEL}?_method=POST`, 'X-HTTP-Method-Override: POST'), 405],
  ['a key that is none', cancel(JSON_TYPE, 'Idempotency-Key: "a" "b"'), 400, 'bad_request'],
  ['a key of 300 characters', cancel(JSON_TYPE, `Idempotency-Key: ${'a'.repeat(300)}`), 400, 'bad_request'],
  ['PUT', request('PUT', '/v1/videos', [JSON_TYPE], '{}'), 405, 'wrong_method'],
  ['DELETE', request('DELETE', `/v1/videos/${ID}`, []), 405, 'wrong_method'],
  ['a method that is none', request('HACK', '/v1/status', []), 400],
  ['TRACE', request('TRACE', '/v1/status', []), 405, 'wrong_method'],
  ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n', null],
  [
    'a preflight of another origin, which allows nothing',
    request('OPTIONS', CANCEL, ['Origin: https://evil.example']),
    204,
  ],

  [
    'a webhook to a file',
    named(() => ({ path: `${films}/film.mp4`, webhooks: ['file:///etc/passwd'] })),
    422,
    'bad_request',
  ],
  [
    'a webhook with a password',
    named(() => ({ path: `${films}/film.mp4`, webhooks: ['http://a:b@example.org/'] })),
    422,
    'bad_request',
  ],
  [
    'a webhook with a line break',
    named(() => ({ path: `${films}/film.mp4`, webhooks: ['http://example.org/\r\nHost: x'] })),
    422,
    'bad_request',
  ],
  [
    'nine webhooks',
    named(() => ({ path: `${films}/film.mp4`, webhooks: Array(9).fill('https://example.org/') })),
    422,
    'bad_request',
  ],
  [
    'a webhook to this machine',
    named(() => ({ path: `${films}/film.mp4`, webhooks: ['http://localhost:1/'] })),
    422,
    'usage',
  ],
  [
    'a webhook to this machine as a number',
    named(() => ({ path: `${films}/film.mp4`, webhooks: ['http://2130706433/'] })),
    422,
    'usage',
  ],
  [
    'a webhook to cloud metadata',
    named(() => ({ path: `${films}/film.mp4`, webhooks: ['http://[::ffff:a9fe:a9fe]/latest'] })),
    422,
    'usage',
  ],
  [
    'a webhook delivery that there is not, to be sent again',
    post('/v1/webhooks/..%2f..%2fvideos/resend', [JSON_TYPE]),
    404,
    'unknown_webhook',
  ],
  ['webhooks behind a cursor that is none', get('/v1/webhooks?cursor=$gt'), 400, 'bad_request'],

  ['a body that is no JSON', submit('hello'), 400, 'bad_request'],
  ['a body that ends in the midst', submit('{"path": "/'), 400, 'bad_request'],
  ['a compressed body', submit('\u001f\u008b\u0008', 'Content-Encoding: gzip'), 400, 'bad_request'],
  ['a list', submit('[]'), 422, 'bad_request'],
  ['null', submit('null'), 422, 'bad_request'],
  ['half a million brackets', submit('['.repeat(500_000)), 400, 'bad_request'],
  ['half a million lists', submit(`${'['.repeat(250_000)}${']'.repeat(250_000)}`), 422, 'bad_request'],
  ['a prototype', submit('{"path": "/a", "recipe": {}, "__proto__": {"out": "/"}}'), 422, 'bad_request'],
  ['a constructor', submit('{"path": "/a", "recipe": {"constructor": {"prototype": {}}}}'), 422, 'bad_request'],
  ['a number beyond all', submit('{"path": "/a", "recipe": {}, "priority": 1e999}'), 422, 'bad_request'],
  ['a path with NUL', submit({ path: '/a\0b', recipe: {} }), 422, 'bad_request'],
  ['a path of 5,000 characters', submit({ path: `/${'x'.repeat(5_000)}`, recipe: {} }), 422, 'bad_request'],
  ['a large body', submit(`{"path": "${'x'.repeat(1024 * 1024)}"}`), 413, 'too_large'],
  [
    'a large body in chunks',
    () =>
      `POST /v1/videos HTTP/1.1\r\n${own()}${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${' '.repeat(65_536)}\r\n`.repeat(20)}0\r\n\r\n`,
    413,
    'too_large',
  ],
  ['a length that is none', request('POST', CANCEL, [JSON_TYPE, 'Content-Length: x']), 400],
  ['a negative length', request('POST', CANCEL, [JSON_TYPE, 'Content-Length: -1']), 400],
  ['two lengths', request('POST', CANCEL, [JSON_TYPE, 'Content-Length: 0', 'Content-Length: 5']), 400],
  ['a length and chunks', request('POST', CANCEL, [JSON_TYPE, 'Content-Length: 4', 'Transfer-Encoding: chunked']), 400],
  ['chunks of another size', () => `POST ${CANCEL} HTTP/1.1\r\n${own()}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],

  ['a file that is not for callers', named(() => ({ path: '/etc/passwd' })), 403, 'path_refused'],
  ['a file that is not there', named(() => ({ path: '/no/such/file' })), 403, 'path_refused'],
  ['a file above the folder', named(() => ({ path: `${films}/../secret.mp4` })), 403, 'path_refused'],
  ['a folder that begins like it', named(() => ({ path: `${films}-other/film.mp4` })), 403, 'path_refused'],
  ['a link that leads out', named(() => ({ path: `${films}/link.mp4` })), 403, 'path_refused'],
  ['a file below a link that leads out', named(() => ({ path: `${films}/up/secret.mp4` })), 403, 'path_refused'],
  ['results for elsewhere', named(() => ({ path: `${films}/film.mp4`, out: '/etc/cron.d' })), 403, 'path_refused'],
  ['results through a link', named(() => ({ path: `${films}/film.mp4`, out: `${films}/up/x` })), 403, 'path_refused'],
  ['results where a link may lead', named(() => ({ path: `${films}/film.mp4`, out: `${films}/none` })), 403],
  [
    'subtitles from elsewhere',
    named(() => ({ path: `${films}/film.mp4`, subtitles: [{ path: '/etc/hostname' }] })),
    403,
    'path_refused',
  ],
  [
    'a key from elsewhere',
    named(() => ({ path: `${films}/film.mp4`, hls_key: { path: '/etc/hostname', url: 'https://a.example/k' } })),
    403,
    'path_refused',
  ],

  ['what uploads another origin may make', request('OPTIONS', '/v1/uploads', ['Origin: https://evil.example']), 204],
  ['an upload without the protocol', post('/v1/uploads', [JSON_TYPE, 'Upload-Length: 5']), 412, 'bad_upload'],
  ['an upload as any page can send', post('/v1/uploads', ['Upload-Length: 5']), 415, 'bad_request'],
  [
    'an upload of another origin',
    post('/v1/uploads', [TUS, 'Upload-Length: 5', 'Origin: https://evil.example']),
    403,
    'foreign_origin',
  ],
  ['an upload without a size', post('/v1/uploads', [TUS, 'Upload-Defer-Length: 1']), 422, 'usage'],
  ['an upload of neither size', post('/v1/uploads', [TUS]), 400, 'bad_upload'],
  ['an upload of less than nothing', post('/v1/uploads', [TUS, 'Upload-Length: -5']), 400, 'bad_upload'],
  ['an upload of a size that is none', post('/v1/uploads', [TUS, 'Upload-Length: 1e3']), 400, 'bad_upload'],
  ['an upload larger than all', post('/v1/uploads', [TUS, 'Upload-Length: 1001']), 413, 'too_large'],
  ['an upload for which no room is left', post('/v1/uploads', [TUS, 'Upload-Length: 950']), 507, 'no_room'],
  [
    'an upload with words that are none',
    post('/v1/uploads', [TUS, 'Upload-Length: 5', 'Upload-Metadata: !!!, ,']),
    400,
    'bad_upload',
  ],
  [
    'an upload that joins others',
    post('/v1/uploads', [TUS, 'Upload-Length: 5', `Upload-Concat: final;/v1/uploads/${UPLOAD}`]),
    501,
  ],
  ['an upload by its path upwards', request('HEAD', '/v1/uploads/..%2f..%2fetc%2fpasswd', [TUS]), 404],
  ['bytes to a path upwards', write('..%2f..%2fx', 0, 'x'), 404, 'unknown_upload'],
  ['bytes to the records of an upload', write(`${UPLOAD}.json`, 0, 'x'), 404, 'unknown_upload'],
  ['bytes to no upload', write('f'.repeat(32), 0, 'x'), 404, 'unknown_upload'],
  ['bytes before the offset', write(UPLOAD, 0, 'x'), 409, 'bad_upload'],
  ['bytes behind the offset', write(UPLOAD, 50, 'x'), 409, 'bad_upload'],
  ['bytes at no offset', request('PATCH', `/v1/uploads/${UPLOAD}`, [TUS, BYTES_TYPE], 'x'), 400, 'bad_upload'],
  ['bytes as JSON', request('PATCH', `/v1/uploads/${UPLOAD}`, [TUS, JSON_TYPE, 'Upload-Offset: 10'], '{}'), 400],
  ['more bytes than were said', write(UPLOAD, 10, 'x'.repeat(91)), 413, 'bad_upload'],
  ['a change of an upload by a header', post(`/v1/uploads/${UPLOAD}`, [TUS, 'X-HTTP-Method-Override: DELETE']), 405],
  [
    'a submit of an upload that lacks bytes',
    post(`/v1/uploads/${UPLOAD}/submit`, [JSON_TYPE], '{"recipe": {}}'),
    409,
    'upload_open',
  ],
  [
    'a submit of an upload by a path',
    post(`/v1/uploads/${UPLOAD}/submit`, [JSON_TYPE], '{"recipe": {}, "path": "/etc/passwd"}'),
    422,
    'bad_request',
  ],
  [
    'a submit of an upload upwards',
    post('/v1/uploads/..%2f..%2fsecret.mp4/submit', [JSON_TYPE], '{"recipe": {}}'),
    404,
    'unknown_upload',
  ],
  ['the end of an upload of another origin', del(UPLOAD, 'Origin: https://evil.example'), 403, 'foreign_origin'],
  ['the end of no upload', del('f'.repeat(32)), 404, 'unknown_upload'],

  ['a path upwards', get('/v1/videos/../../../etc/passwd'), 404, 'not_found'],
  ['an escaped path upwards', get('/v1/videos/%2e%2e%2f%2e%2e%2fetc%2fpasswd'), 404, 'unknown_video'],
  ['a path upwards from a page', get('/docs/../../package.json'), 404, 'not_found'],
  ['an escaped path from a page', get('/docs/%2e%2e%2fpackage.json'), 404, 'not_found'],
  ['a file of a page with NUL', get('/docs/swagger-ui.js%00'), 404, 'not_found'],
  ['a path upwards in a package', get(`/v1/videos/${ID}/hls/..%2f..%2f..%2fetc%2fpasswd`), 503, 'not_ready'],
  [
    'a path upwards among finished files',
    get(`/v1/videos/${ID}/artifacts/..%2f..%2fetc%2fpasswd`),
    404,
    'unknown_file',
  ],
  ['a path that looks like a server', get('//evil.example/'), 404, 'not_found'],
  ['an id with NUL', get('/v1/videos/%00'), 404, 'unknown_video'],
  ['an id that is no escape', get('/v1/videos/%zz'), 404, 'unknown_video'],
  ['an id of another script', get('/v1/videos/<script>alert(1)</script>'), 404],
  ['a peer upwards', post('/v1/peers/..%2f..%2fx/pause', [JSON_TYPE]), 404, 'unknown_peer'],
  ['a path of 20 kB', get(`/${'a'.repeat(20_000)}`), 431],
  ['a header of 20 kB', get('/v1/status', `X-Long: ${'a'.repeat(20_000)}`), 431],
  ['5,000 headers', get('/v1/status', ...Array.from({ length: 5_000 }, (_, n) => `A${n}: b`)), 431],
  ['a header with NUL', get('/v1/status', 'X-A: a\0b'), 400],
  ['a line break in a header', get('/v1/status', 'X-A: a\nX-B b'), 400],
  ['a space in the path', () => `GET /v1/status a HTTP/1.1\r\n${own()}\r\n`, 400],
  ['10,000 ranges', get(`/v1/videos/${ID}/hls/a.mp4`, `Range: bytes=${'0-0,'.repeat(3_000)}0-0`), 503],
  ['another version', () => `GET /v1/status HTTP/9.9\r\n${own()}\r\n`, 400],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['TLS', () => Buffer.from('16030100c8010000c40303', 'hex'), 400],
  ['noise', () => Buffer.alloc(4_096, 0xff), 400],
  ['a number of an event that is none', get('/v1/events/stream', 'Last-Event-ID: -1'), 400, 'bad_request'],
  ['a number beyond all', get(`/v1/events/stream?last_event_id=${'9'.repeat(400)}`), 400, 'bad_request'],
  ['two numbers of an event', get('/v1/events/stream', 'Last-Event-ID: 1', 'Last-Event-ID: 2'), 400, 'bad_request'],
  ['a code of an event that is a pattern', get('/v1/events?what[$ne]=x'), 400, 'bad_request'],
  ['a cursor that is a number and more', get('/v1/events?cursor=1%20OR%201=1'), 400, 'bad_request'],
  ['a POST to the events', post('/v1/events/stream', [JSON_TYPE]), 405, 'wrong_method'],
  ['another protocol', get('/v1/none', 'Upgrade: websocket', 'Connection: upgrade'), 404, 'not_found'],
  ['an expectation', get('/v1/status', 'Expect: all'), 417],
]

/** Requests to a listener with tokens. */
const TOKEN_CASES: readonly Case[] = [
  ['no token', get('/v1/status'), 401, 'token_needed'],
  ['no token for a change', cancel(JSON_TYPE), 401, 'token_needed'],
  ['no token for a package', get(`/v1/videos/${ID}/hls/a.mp4`), 401, 'token_needed'],
  ['no token for the events', get('/v1/events/stream'), 401, 'token_needed'],
  ['no token for the page of a film', get(`/watch/${ID}`), 401, 'token_needed'],
  ['no token for what that page asks', get(`/watch/${ID}/about.json`), 401, 'token_needed'],
  ['no token for metrics', get('/metrics'), 401, 'token_needed'],
  ['no token for what is not there', get('/v1/none'), 401, 'token_needed'],
  ['no token for a page that looks public', get('/docs/../v1/status'), 401, 'token_needed'],
  ['no token for an escaped page', get('/docs%2f..%2fv1/status'), 401, 'token_needed'],
  ['another token', get('/v1/status', `Authorization: Bearer ${'a'.repeat(64)}`), 401, 'token_needed'],
  ['the beginning of a token', get('/v1/status', `Authorization: Bearer ${VIEW.slice(0, -1)}`), 401, 'token_needed'],
  ['more than a token', get('/v1/status', `Authorization: Bearer ${VIEW}0`), 401, 'token_needed'],
  ['a token after another', get('/v1/status', `Authorization: Bearer a ${VIEW}`), 401, 'token_needed'],
  ['a token without its scheme', get('/v1/status', `Authorization: ${VIEW}`), 401, 'token_needed'],
  ['the role as a token', get('/v1/status', 'Authorization: Bearer operate'), 401, 'token_needed'],
  ['a token in the query', get(`/v1/status?token=${VIEW}`), 401, 'token_needed'],
  ['a token in a cookie', get('/v1/status', `Cookie: token=${VIEW}`), 401, 'token_needed'],
  ['a password that is none', get('/v1/status', 'Authorization: Basic !!!!'), 401, 'token_needed'],
  ['a long token', get('/v1/status', `Authorization: Bearer ${'a'.repeat(15_000)}`), 401, 'token_needed'],
  ['no token for an upload', post('/v1/uploads', [TUS, 'Upload-Length: 5']), 401, 'token_needed'],
  ['no token for the state of an upload', get(`/v1/uploads/${UPLOAD}`), 401, 'token_needed'],
  [
    'an upload by who may view',
    post('/v1/uploads', [TUS, 'Upload-Length: 5', `Authorization: Bearer ${VIEW}`]),
    403,
    'may_only_view',
  ],
  ['a change by who may view', cancel(JSON_TYPE, `Authorization: Bearer ${VIEW}`), 403, 'may_only_view'],
  [
    'a submit by who may view',
    submit({ path: '/a', recipe: {} }, `Authorization: Bearer ${VIEW}`),
    403,
    'may_only_view',
  ],
  [
    'a change of another page by who is logged in',
    cancel(JSON_TYPE, `Authorization: Bearer ${OPERATE}`, 'Origin: https://evil.example'),
    403,
    'foreign_origin',
  ],
  ['a name by a proxy that there is not', get('/v1/status', 'X-Forwarded-Host: evil.example'), 401, 'token_needed'],
  ['another name', host('evil.example'), 421, 'wrong_host'],
]

async function check([what, bytes, status, code]: Case, at: HttpServer): Promise<void> {
  port = Number(new URL(at.url).port)
  const answer = await exchange(call(bytes))
  assert.deepEqual([answer.status, acts], [status, []], `${what}: ${answer.text}`)
  assert.doesNotMatch(answer.text, /\n\s+at |node_modules|\.ts:\d|access-control-allow-origin/i)
  for (const token of [VIEW, OPERATE]) assert.ok(!answer.text.includes(token))
  if (code === undefined) return
  assert.match(answer.text, /^content-type: application\/problem\+json\r$/im)
  const problem = JSON.parse(answer.body) as Record<string, unknown>
  assert.deepEqual([problem['status'], problem['code']], [status, code])
  assert.match(String(problem['detail']), /^[^\n]{5,300}$/)
}

describe('the TCP listener', () => {
  const ends: (() => unknown)[] = []
  before(async () => {
    const dir = await folder({ after: (act) => void ends.push(act) } as Ends)
    films = join(dir, 'films')
    await mkdir(films)
    await mkdir(`${films}-other`)
    for (const file of [`${films}/film.mp4`, `${films}-other/film.mp4`, `${dir}/secret.mp4`]) await writeFile(file, 'x')
    await symlink('../secret.mp4', join(films, 'link.mp4'))
    await symlink('..', join(films, 'up'))
    await symlink('/nowhere/at/all', join(films, 'none'))
    const video = {
      _id: ID,
      name: 'film',
      status: 'RUNNING',
      outputs: [],
      recipe: { ...DEFAULT_RECIPE, package: { formats: ['hls'] } },
    }
    const ledger = {
      video: async (id: VideoId) => (id === ID ? (video as unknown as Video) : null),
      resendWebhook: async () => 'unchanged',
    }
    const face = {
      ledger,
      webhookProblem: webhookProblem({ webhook_allow_private: false }),
      snapshot: async () => ({ peers: [] }),
      video: ledger.video,
      act: async (...given: unknown[]) => acts.push(given) && 'changed',
      setPeer: async (...given: unknown[]) => void acts.push(given),
      submit: async (...given: unknown[]) => acts.push(given) && { id: ID },
    } as unknown as NodeFace
    uploads = createUploadFiles({
      dir: join(dir, 'uploads'),
      bytesMax: 1_000,
      room: async () => ({ freeBytes: 1e12, totalBytes: 1e12 }),
      rng,
    })
    await uploads.start()
    await uploads.admit(UPLOAD, 100)
    await uploads.write(UPLOAD, { bytes: 100, metadata: { filename: 'film.mp4' } })
    await writeFile(join(uploads.dir, UPLOAD), '0123456789')
    const api = createApi(face, {
      streams: createStreams(ledger, []),
      artifacts: createArtifactFiles({ ledger, reads: {} as ArtifactReads }),
      events: { open: async (...given) => acts.push(given) as never },
      logs: {} as AttemptLogs,
      uploads,
      metrics: null,
      admission: { state: () => 'idle' },
      clock: systemClock,
      rng,
      log: silentLog,
    })
    // An hour between two requests: all of them come from one address, which has a rate.
    let now = 0
    const clock = { mono: () => (now += 3_600_000) }
    const others = { urls: () => [], areOrigin: () => false }
    const modules = { api, ledger, others, clock, log: silentLog }
    const rules = { isLoopback: true, isTls: false, isBehindProxy: false, hosts: [], origins: [], folders: [films] }
    const serve = (more: Pick<GuardOptions, 'tokens' | 'isLoopback'>) =>
      serveHttp(guarded({ ...rules, ...more }, modules), { host: '127.0.0.1', port: 0 })
    server = await serve({ tokens: () => [], isLoopback: true })
    const tokens = parseTokens(`view ${VIEW}\n${OPERATE}`) as readonly Token[]
    beyond = await serve({ tokens: () => tokens, isLoopback: false })
    acts = []
  })
  after(async () => {
    await server.close()
    await beyond.close()
    for (const end of ends) await end()
  })

  it('is tried with at least 60 requests', () => assert.ok(CASES.length >= 60, String(CASES.length)))

  const titleOf = ([what, , status, code]: Case) =>
    `answers ${what} with ${status ?? 'nothing'}${code ? ` ${code}` : ''}`
  for (const each of CASES) it(titleOf(each), () => check(each, server))
  for (const each of TOKEN_CASES) it(`${titleOf(each)}, where there are tokens`, () => check(each, beyond))

  it('serves all the same afterwards, and does what its own pages and programs ask', async () => {
    assert.equal((await exchange(call(get('/v1/status', `Authorization: Bearer ${VIEW}`)))).status, 200)
    port = Number(new URL(server.url).port)
    assert.equal((await exchange(call(get('/healthz')))).status, 200)
    for (const headers of [[JSON_TYPE], ['Sec-Fetch-Site: same-origin', 'Origin: http://127.0.0.1:PORT']])
      assert.equal((await exchange(call(cancel(...headers)))).status, 200, headers.join())
    assert.equal(
      (await exchange(call(named(() => ({ path: `${films}/film.mp4`, out: `${films}/new/out` }))))).status,
      201,
    )
    assert.equal(acts.length, 3)
    acts = []
  })
})

const call = (bytes: Bytes): string | Buffer => (typeof bytes === 'string' ? bytes : bytes())

/** Sends bytes on a connection of their own; answers what came until its end. */
async function exchange(bytes: string | Buffer): Promise<{ status: number | null; text: string; body: string }> {
  const text = await new Promise<string>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let got = ''
    socket.setEncoding('utf8')
    socket.on('data', (part) => (got += part))
    socket.on('error', () => {})
    socket.on('close', () => resolve(got))
    socket.write(bytes)
  })
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? []
  return { status: status === undefined ? null : Number(status), text, body: text.slice(text.indexOf('\r\n\r\n') + 4) }
}

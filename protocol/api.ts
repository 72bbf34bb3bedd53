/**
 * The HTTP API of a node, as data: every route with its request and its answers. Server, client, OpenAPI document and docs/status.md are
 * made from it. Fields and routes are only ever added within `/v1`. Times are milliseconds since 1970.
 */
import { z } from 'zod'
import { json, problem, refused, video } from './api-answers.ts'
import { ATTEMPT_ROUTES, LOG_ROUTE } from './api-attempts.ts'
import { EVENT_ROUTES, EVENT_STREAM_ROUTE } from './api-events.ts'
import { LIST_ROUTES } from './api-lists.ts'
import type { PeerId, VideoId } from './ids.ts'
import { namedLadderSchema } from './ladder.ts'
import { SUBTITLE_FILES_MAX } from './limits.ts'
import { keyUrlSchema } from './package.ts'
import { recipeSchema } from './recipe.ts'
import { statusSchema, taskRowSchema, videoDetailSchema } from './status.ts'

const absolutePath = z
  .string()
  .max(4096)
  .startsWith('/', 'must be an absolute path')
  .refine((path) => !path.includes('\0'), 'must have no NUL')
const priority = z.number().int().min(-1000).max(1000).describe('higher goes first; 0 is ordinary')

const deadline = z
  .number()
  .int()
  .min(0)
  .max(8.64e15)
  .nullable()
  .describe('when it is wanted, ms since 1970; null: at no time. One that cannot be held is taken all the same')

const subtitleSchema = z.strictObject({
  path: absolutePath.describe('the file, on the machine that answers'),
  language: z
    .string()
    .max(35)
    .default('')
    .describe('tag of its language, such as `en` or `pt-BR`; `` where it is unknown'),
  forced: z.boolean().default(false).describe('whether players show it without being asked'),
  hearing_impaired: z.boolean().default(false).describe('whether it is for people who cannot hear'),
})

/** A file of subtitles to submit with a source. */
export type SubmitSubtitle = z.infer<typeof subtitleSchema>

const hlsKeySchema = z.strictObject({
  path: absolutePath.describe('file with 16 bytes, or 32 hex digits, on the machine that answers'),
  url: keyUrlSchema,
})

/** A key to submit with a source, for its package. */
export type SubmitKey = z.infer<typeof hlsKeySchema>

const submitSchema = z
  .strictObject({
    path: absolutePath.describe(
      'the source, on the machine that answers; it stays there, and must stay until the video is done. A byte that is not UTF-8 is the character U+EF00 + the byte',
    ),
    recipe: recipeSchema,
    ladder: z
      .string()
      .max(32)
      .optional()
      .describe(
        'name of a ladder of this node: its renditions, keyframes and sound are made instead of those of `recipe`',
      ),
    out: absolutePath
      .nullable()
      .default(null)
      .describe('folder on the machine that answers, where the results go; null when nothing is to be delivered here'),
    subtitles: z
      .array(subtitleSchema)
      .max(SUBTITLE_FILES_MAX)
      .default([])
      .describe('files of text subtitles (SRT, WebVTT) that come along with the source'),
    hls_key: hlsKeySchema.optional().describe('key that encrypts the segments of a package for HLS'),
    priority: priority.default(0),
    deadline: deadline.default(null),
  })
  .meta({ id: 'Submit', description: 'One file to encode.' })

const submittedSchema = z
  .object({
    id: z.string().describe('id of the video') as unknown as z.ZodType<VideoId, VideoId>,
    name: z.string().describe("the source's file name without its ending"),
    outcome: z
      .enum(['created', 'joined', 'retried'])
      .describe(
        'whether it was new, known (the same bytes and recipe: it continues, or is only delivered), or had failed or been cancelled before',
      ),
    status: videoDetailSchema.shape.status,
  })
  .meta({ id: 'Submitted', description: 'What a submit did.' })

const changedSchema = z
  .object({
    result: z.enum(['changed', 'unchanged']).describe('`unchanged` where the video was as wanted before'),
  })
  .meta({ id: 'Changed', description: 'Whether a request changed anything.' })

const peer = z.object({ peer: z.string().min(1).describe('id of the peer, or its name where only one has it') })
const peerAnswer = z
  .object({ peer: z.string().describe('id of the peer') as unknown as z.ZodType<PeerId, PeerId> })
  .meta({ id: 'ChangedPeer', description: 'The peer that was changed.' })

const bytes = (description: string) => ({
  content: { '*/*': { schema: z.string().meta({ format: 'binary' }) } },
  description,
})
const unknown = { 404: problem('there is no such video') }
const unknownPeer = {
  404: problem('there is no such peer'),
  409: problem('several peers have that name'),
}
const conflict = { 409: problem('the video is in no state in which this applies: `detail` says which') }
const body = <S extends z.ZodType>(schema: S) => ({
  required: true,
  content: { 'application/json': { schema } },
})

/** Every route, in the form of OpenAPI: method, path with `{parameters}`, request and answers by status. */
export const ROUTES = {
  health: {
    operationId: 'health',
    method: 'get',
    path: '/healthz',
    summary: 'Whether the node serves requests',
    responses: { 200: json(z.object({ ok: z.literal(true) }), 'it does') },
  },
  status: {
    operationId: 'status',
    method: 'get',
    path: '/v1/status',
    summary: 'What this node knows of the mesh: peers, engines, videos and events',
    responses: { 200: json(statusSchema, 'the snapshot'), 500: refused[500] },
  },
  ...LIST_ROUTES,
  ...EVENT_ROUTES,
  ...ATTEMPT_ROUTES,
  video: {
    operationId: 'video',
    method: 'get',
    path: '/v1/videos/{id}',
    summary: 'One video, whether the snapshot shows it or not',
    request: { params: video },
    responses: { 200: json(videoDetailSchema, 'the video'), ...unknown, ...refused },
  },
  tasks: {
    operationId: 'tasks',
    method: 'get',
    path: '/v1/videos/{id}/tasks',
    summary: 'The tasks of a video, in the order in which they are claimed',
    request: { params: video },
    responses: { 200: json(z.array(taskRowSchema), 'its tasks'), ...unknown, ...refused },
  },
  ladders: {
    operationId: 'ladders',
    method: 'get',
    path: '/v1/ladders',
    summary: 'The ladders that this node knows by name: those of its configuration, and the built-in ones',
    responses: { 200: json(z.array(namedLadderSchema), 'the ladders'), 500: refused[500] },
  },
  submit: {
    operationId: 'submit',
    method: 'post',
    path: '/v1/videos',
    summary: 'Submits a file: answers when it is hashed and in the ledger',
    request: { body: body(submitSchema) },
    responses: { 201: json(submittedSchema, 'the video'), ...refused },
  },
  cancel: {
    operationId: 'cancel',
    method: 'post',
    path: '/v1/videos/{id}/cancel',
    summary: 'Stops work on an open video; its blobs stay a day for a retry',
    request: { params: video },
    responses: { 200: json(changedSchema, 'done'), ...unknown, ...conflict, ...refused },
  },
  retry: {
    operationId: 'retry',
    method: 'post',
    path: '/v1/videos/{id}/retry',
    summary: 'Takes up a failed or cancelled video again',
    request: { params: video },
    responses: { 200: json(changedSchema, 'done'), ...unknown, ...conflict, ...refused },
  },
  priority: {
    operationId: 'priority',
    method: 'post',
    path: '/v1/videos/{id}/priority',
    summary: 'Lets an open video go before or after others',
    request: {
      params: video,
      body: body(z.strictObject({ priority }).meta({ id: 'Priority', description: 'The new priority of a video.' })),
    },
    responses: { 200: json(changedSchema, 'done'), ...unknown, ...conflict, ...refused },
  },
  deadline: {
    operationId: 'deadline',
    method: 'post',
    path: '/v1/videos/{id}/deadline',
    summary: 'Sets when an open video is wanted, or that it is wanted at no time',
    request: {
      params: video,
      body: body(z.strictObject({ deadline }).meta({ id: 'Deadline', description: 'The new deadline of a video.' })),
    },
    responses: { 200: json(changedSchema, 'done'), ...unknown, ...conflict, ...refused },
  },
  pause: {
    operationId: 'pause',
    method: 'post',
    path: '/v1/peers/{peer}/pause',
    summary: 'Stops a peer from claiming tasks: it releases those that it runs and stays in the mesh',
    request: { params: peer },
    responses: { 200: json(peerAnswer, 'done'), ...unknownPeer, ...refused },
  },
  resume: {
    operationId: 'resume',
    method: 'post',
    path: '/v1/peers/{peer}/resume',
    summary: 'Lets a paused or quarantined peer claim tasks again',
    request: { params: peer },
    responses: { 200: json(peerAnswer, 'done'), ...unknownPeer, ...refused },
  },
  drain: {
    operationId: 'drain',
    method: 'post',
    path: '/v1/peers/{peer}/drain',
    summary: 'Lets a peer finish what it runs, then leave the mesh and exit',
    request: { params: peer },
    responses: { 200: json(peerAnswer, 'done'), ...unknownPeer, ...refused },
  },
} as const

const file = (route: { operationId: string; path: string; summary: string; params: z.ZodObject }) => ({
  operationId: route.operationId,
  method: 'get' as const,
  path: route.path,
  summary: route.summary,
  request: {
    params: route.params,
    headers: z.object({ range: z.string().optional().describe('one range of bytes') }),
  },
  responses: {
    200: bytes('the file'),
    206: bytes('the range'),
    304: { description: 'the client has it already' },
    404: problem('there is no such video or file, or the video has no package'),
    410: problem('the video was cancelled or has failed, or the file was moved or changed since'),
    416: problem('the range is beyond the end'),
    500: refused[500],
    503: problem('it is not made yet, or whoever has it does not answer: ask again after `Retry-After`'),
  },
})
const packageFile = (form: 'hls' | 'dash', manifest: string) =>
  file({
    operationId: `${form}File`,
    path: `/v1/videos/{id}/${form}/{file}`,
    summary: `A file of the streaming package of a video, beside \`${manifest}\`, whole or by a range, also while it is encoded`,
    params: video.extend({ file: z.string().describe('its name in the package; it may have slashes') }),
  })

/** The routes that answer no JSON, in the form of OpenAPI. Files of packages may have slashes, which OpenAPI has no form for. */
export const STREAM_ROUTES = {
  eventStream: EVENT_STREAM_ROUTE,
  artifact: file({
    operationId: 'artifact',
    path: '/v1/videos/{id}/artifacts/{sha256}',
    summary: 'A finished file of a video, one of its `outputs`, whole or by a range',
    params: video.extend({ sha256: z.string().describe('of its content: 64 hex digits') }),
  }),
  log: LOG_ROUTE,
  hlsFile: packageFile('hls', 'master.m3u8'),
  dashFile: packageFile('dash', 'manifest.mpd'),
}

/** The body of a submit, before defaults. */
export type SubmitBody = z.input<typeof submitSchema>
/** The body of a submit, with defaults. */
export type SubmitRead = z.output<typeof submitSchema>
/** The answer to a submit. */
export type SubmitAnswer = z.infer<typeof submittedSchema>

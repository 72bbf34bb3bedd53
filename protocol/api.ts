/**
 * The HTTP API of a node, as data: every route with its request and its answers. Server, client, OpenAPI document and docs/status.md are
 * made from it. Fields and routes are only ever added within `/v1`. Times are milliseconds since 1970.
 */
import { z } from 'zod'
import { json, problem, refused, video } from './api-answers.ts'
import { ATTEMPT_ROUTES, LOG_ROUTE } from './api-attempts.ts'
import { EVENT_ROUTES, EVENT_STREAM_ROUTE } from './api-events.ts'
import { HEALTH_ROUTES } from './api-health.ts'
import { LIST_ROUTES } from './api-lists.ts'
import { body, deadline, priority, SUBMIT_ROUTES } from './api-submit.ts'
import { UPLOAD_ROUTES } from './api-uploads.ts'
import { WEBHOOK_ROUTES } from './api-webhooks.ts'
import type { PeerId } from './ids.ts'
import { namedLadderSchema } from './ladder.ts'
import { statusSchema, taskRowSchema, videoDetailSchema } from './status.ts'

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
  ...SUBMIT_ROUTES,
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
  ...WEBHOOK_ROUTES,
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
  ...UPLOAD_ROUTES,
  ...HEALTH_ROUTES,
  hlsFile: packageFile('hls', 'master.m3u8'),
  dashFile: packageFile('dash', 'manifest.mpd'),
}

export type { SubmitAnswer, SubmitBody, SubmitKey, SubmitRead, SubmitSubtitle, UploadedRead } from './api-submit.ts'

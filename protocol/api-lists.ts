/** The lists of the HTTP API: videos page by page, peers and engines. */
import { z } from 'zod'
import { json, refused } from './api-answers.ts'
import { cursor, limit, next, time } from './api-pages.ts'
import type { VideoId } from './ids.ts'
import { engineSchema, peerSchema, videoRowSchema } from './status.ts'
import { VIDEO_STATUSES, type VideoPlace, type VideoStatus } from './video.ts'

/** Number of videos of a page: where none is asked for, and at most. */
const PAGE_VIDEOS = { usual: 50, most: 200 } as const
const CURSOR = /^(\d{1,15})-([0-9a-f]{16})$/
const ANY_STATUS = VIDEO_STATUSES.join('|')

const pageQuerySchema = z.strictObject({
  status: z
    .string()
    .regex(new RegExp(`^(?:${ANY_STATUS})(?:,(?:${ANY_STATUS}))*$`), `give some of ${VIDEO_STATUSES.join(', ')}`)
    .optional()
    .describe('statuses, separated by commas; absent: all'),
  since: time('only videos that were submitted then or later, ms since 1970'),
  until: time('only videos that were submitted before, ms since 1970'),
  limit: limit(PAGE_VIDEOS, 'videos'),
  cursor: cursor(CURSOR),
})

/** What a page of videos is asked by. */
export type PageQuery = z.output<typeof pageQuerySchema>

const pageSchema = z
  .object({
    videos: z.array(videoRowSchema).readonly().describe('newest first'),
    next,
  })
  .meta({
    id: 'VideoPage',
    description:
      'Some videos, newest first. What is submitted meanwhile comes before the first page: the pages hold each video once, whichever nodes answer.',
  })

/** A page of videos. */
export type VideoPage = z.infer<typeof pageSchema>

/** The place behind which a page begins; undefined for the first one. */
export function placeIn({ cursor, until }: Pick<PageQuery, 'cursor' | 'until'>): VideoPlace | undefined {
  const [, at, id] = CURSOR.exec(cursor ?? '') ?? []
  if (at !== undefined) return { created_at: Number(at), _id: id as VideoId }
  return until === undefined ? undefined : { created_at: until, _id: '' as VideoId }
}

/** The cursor of what follows this video. */
export const cursorAfter = ({ created_at, _id }: VideoPlace): string => `${created_at}-${_id}`

/** The statuses that are asked for. */
export const statusesIn = ({ status }: Pick<PageQuery, 'status'>): readonly VideoStatus[] =>
  status === undefined ? VIDEO_STATUSES : (status.split(',') as VideoStatus[])

/** The routes of lists, in the form of OpenAPI. */
export const LIST_ROUTES = {
  videos: {
    operationId: 'videos',
    method: 'get',
    path: '/v1/videos',
    summary: 'Videos of the mesh, newest first, page by page',
    request: { query: pageQuerySchema },
    responses: {
      200: json(pageSchema, 'a page'),
      ...refused,
    },
  },
  peers: {
    operationId: 'peers',
    method: 'get',
    path: '/v1/peers',
    summary: 'The peers of the mesh, by name',
    responses: { 200: json(z.array(peerSchema), 'the peers'), ...refused },
  },
  engines: {
    operationId: 'engines',
    method: 'get',
    path: '/v1/engines',
    summary: 'The engines on which the mesh starts workers by itself',
    responses: { 200: json(z.array(engineSchema), 'the engines'), ...refused },
  },
} as const

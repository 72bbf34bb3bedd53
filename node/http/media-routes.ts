/**
 * The media routes of a node, without a server: files of streaming packages for players, and all finished files, by ranges (RFC 9110). Reads
 * only. Names in manifests are relative, so that every file is found beside its manifest, under `hls` as under `dash`.
 */
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { parse } from 'range-parser'
import type { ByteRange } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { notVideoId, sentence } from '../../protocol/errors.ts'
import { isVideoId, type VideoId } from '../../protocol/ids.ts'
import type { Log } from '../../protocol/log.ts'
import type { ArtifactFiles } from '../streams/artifact-files.ts'
import type { AttemptLogs } from '../streams/attempt-logs.ts'
import type { StreamFile, Streams } from '../streams/streams.ts'
import { createHold } from './hold-while-away.ts'
import { RequestRefused } from './refusals.ts'

/** What the routes use. */
export interface MediaRoutesOptions {
  readonly streams: Streams
  readonly artifacts: ArtifactFiles
  readonly logs: AttemptLogs
  readonly clock: Pick<Clock, 'mono' | 'sleep'>
  readonly log: Log
}

type Media = Hono<{ Bindings: Partial<HttpBindings> }>
type MediaContext = Context<{ Bindings: Partial<HttpBindings> }>

/** Tracks, images and texts: their names stand for their bytes. A manifest may still have grown the last time. */
const IMMUTABLE = 'public, max-age=31536000, immutable'
const REVALIDATE = 'no-cache'
/** Manifests, which players ask for again by themselves. */
const MANIFEST = /\.(?:m3u8|mpd)$/

/** The routes. Errors are thrown: the app that they are part of answers them. */
export function createMediaRoutes({ streams, artifacts, logs, clock, log }: MediaRoutesOptions): Media {
  const routes: Media = new Hono()
  const holdWhileAway = createHold(clock)
  routes.get('/v1/videos/:id/:form{hls|dash}/:file{.+}', async (c) => {
    const { id, file } = c.req.param()
    const { signal } = c.req.raw
    const answered = async () => answer(c, await streams.open(videoId(id), file, signal), log)
    return MANIFEST.test(file) ? await answered() : await holdWhileAway(answered, signal)
  })
  routes.get('/v1/videos/:id/artifacts/:sha256', async (c) => {
    const { id, sha256 } = c.req.param()
    const { file, name } = await artifacts.open(videoId(id), sha256)
    // The name that a browser saves it under (RFC 6266).
    c.header('Content-Disposition', `inline; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, escaped)}`)
    return await answer(c, file, log)
  })
  routes.get('/v1/videos/:id/logs/:sha256', async (c) => {
    const { id, sha256 } = c.req.param()
    const text = Buffer.from(await logs.read(videoId(id), sha256, c.req.raw.signal))
    return c.body(text, 200, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' })
  })
  return routes
}

const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`

/** The id that a path names. Throws `ReelmeshError('unknown_video')` where it is none. */
export function videoId(text: string): VideoId {
  if (isVideoId(text)) return text
  throw notVideoId(text)
}

async function answer(c: MediaContext, file: StreamFile, log: Log): Promise<Response> {
  const isManifest = /mpegurl|dash/.test(file.mediaType)
  const headers = {
    ETag: `"${file.etag}"`,
    'Cache-Control': file.isFinal && !isManifest ? IMMUTABLE : REVALIDATE,
    'Accept-Ranges': 'bytes',
  }
  if (isMatch(c.req.header('if-none-match'), headers.ETag)) return c.body(null, 304, headers)
  const wanted = rangeOf(c, file, headers.ETag)
  if (wanted === 'beyond')
    throw new RequestRefused(416, 'beyond_end', `the file has ${file.bytes} bytes, and the range is not among them`, {
      headers: { 'Content-Range': `bytes */${file.bytes}` },
    })
  const { from, to } = wanted ?? { from: 0, to: file.bytes }
  const hasBody = c.req.method === 'GET' && from < to
  // It is opened first: where that fails, the answer is another one.
  const body = hasBody ? await bodyOf(c, file, { from, to }, log) : null
  return c.newResponse(body, wanted ? 206 : 200, {
    ...headers,
    'Content-Type': file.mediaType,
    'Content-Length': String(to - from),
    ...(wanted && { 'Content-Range': `bytes ${from}-${to - 1}/${file.bytes}` }),
  })
}

/** Whether one of the tags of `If-None-Match` is this one, by weak comparison. */
const isMatch = (header: string | undefined, etag: string): boolean =>
  header !== undefined && (header.trim() === '*' || [...header.matchAll(/"[^"]*"/g)].some(([tag]) => tag === etag))

/** The range that the request asks for; null: the whole. Several ranges, other units and what is no range are answered whole (RFC 9110, 14.2). */
function rangeOf(c: MediaContext, { bytes }: StreamFile, etag: string): ByteRange | 'beyond' | null {
  const header = c.req.header('range')
  const ifRange = c.req.header('if-range')
  if (header === undefined || c.req.method !== 'GET' || (ifRange !== undefined && ifRange.trim() !== etag)) return null
  const { code, type, ranges } = parse(bytes, header)
  if (type !== 'bytes' || ranges.length > 1) return null
  const [only] = ranges
  if (only) return code === 0 ? { from: only.start, to: only.end + 1 } : null
  return code === 2 ? 'beyond' : null
}

/** The bytes as they are asked for. The first piece is read before the answer begins, so that a failure then has a status of its own. */
async function bodyOf(c: MediaContext, file: StreamFile, range: ByteRange, log: Log): Promise<ReadableStream> {
  const pieces = file.read(range, c.req.raw.signal)[Symbol.asyncIterator]()
  const first = await pieces.next()
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (let piece = first; !piece.done; piece = await pieces.next()) yield piece.value
    } catch (error) {
      log.warn('a stream to a player broke', { path: c.req.path, error: sentence(error) })
      // Fewer bytes than announced: the player asks for the others.
      if (!c.env?.outgoing) throw error
      c.env.outgoing.destroy()
    } finally {
      await pieces.return?.()
    }
  }
  return ReadableStream.from(rest())
}

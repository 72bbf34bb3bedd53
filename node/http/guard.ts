/**
 * What stands before the routes of a node on its TCP listener, in this order: it is called by a name of its own (a page whose name was made to
 * resolve to this machine would read what its user may), pages of other origins only where they are named, a rate for each address, no request
 * that changes something from a page of another origin, a token with the right role where there are tokens.
 */

import { isIP } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import { createTokenBucket, type TokenBucket } from '../../mesh/token-bucket.ts'
import { isPublicPath } from '../../protocol/api-refusals.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { HTTP_RATE } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { remember } from '../../protocol/remember.ts'
import type { Api } from './api.ts'
import { type Asked, askedOf, type Reach } from './asked.ts'
import type { OtherNodes } from './other-nodes.ts'
import { createPageRoutes } from './page-routes.ts'
import { answerError, RequestRefused } from './refusals.ts'
import { roleOf, type Token } from './tokens.ts'

/** Who may ask for what. */
export interface GuardOptions extends Reach {
  /** Whether only this machine reaches the listener. */
  readonly isLoopback: boolean
  /** Names by which it may be called, beside those of loopback. */
  readonly hosts: readonly string[]
  /** Origins of pages that may use the API; `*`: all may read streaming packages. */
  readonly origins: readonly string[]
  /** Folders whose files callers may name. */
  readonly folders: readonly string[]
  /** Those that are accepted now. Without any at the start, everybody who reaches it may do everything. */
  tokens(): readonly Token[]
}

/** The parts that it uses. */
export interface GuardModules {
  readonly api: Api
  readonly ledger: Pick<Ledger, 'video'>
  readonly others: OtherNodes
  readonly clock: Pick<Clock, 'mono'>
  readonly log: Log
}

interface GuardEnv {
  Bindings: HttpBindings
  Variables: { asked: Asked; bucket: TokenBucket }
}
type Guard = MiddlewareHandler<GuardEnv>

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
/** What players read: packages, and what the page with one asks beside them. */
const PLAYER_PATH = /^\/(?:v1\/videos\/[^/]+\/(?:hls|dash)\/|watch\/[^/]+\/about\.json$)/
/** What clients of tus send and read. */
const TUS_HEADERS = ['Tus-Resumable', 'Upload-Length', 'Upload-Metadata', 'Upload-Offset']
const READS = ['GET', 'HEAD', 'OPTIONS']
/** Addresses whose rates are remembered; beyond it the oldest are forgotten. */
const ADDRESSES_MAX = 4_096

/** The API behind these guards. */
export function guarded(options: GuardOptions, { api, ledger, others, clock, log }: GuardModules): Hono<GuardEnv> {
  const { origins, folders, tokens } = options
  const guard = new Hono<GuardEnv>()
  guard.onError(answerError(log))
  guard.use(checkHost(options))
  guard.use(
    secureHeaders({
      // It would bind all servers of that name, and those below it.
      strictTransportSecurity: false,
      crossOriginResourcePolicy: origins.length > 0 ? 'cross-origin' : 'same-origin',
    }),
  )
  const answerOrigins = allowOrigins(origins, others)
  // What uploads may be is asked by the same method as what another origin may.
  guard.use((c, next) => (isAboutUploads(c) ? next() : answerOrigins(c, next)))
  guard.use(limitRate(clock))
  guard.use(refuseForged(origins))
  if (tokens().length > 0) guard.use(checkToken(tokens))
  guard.route('/', createPageRoutes({ ledger, others }))
  guard.all('*', (c) => api.fetch(c.req.raw, { ...c.env, folders }))
  return guard
}

function checkHost({ isLoopback, hosts, ...reach }: GuardOptions): Guard {
  return async (c, next) => {
    const asked = askedOf(c, reach)
    const name = asked.host.replace(/:\d{1,5}$/, '')
    // No name can be made to resolve to an address.
    const isAddress = !isLoopback && isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
    if (!LOOPBACK_HOST.test(name) && !isAddress && !hosts.includes(name))
      throw new RequestRefused(
        421,
        'wrong_host',
        'this server is not called by that name: http_hosts of the node lists its names beside those of loopback',
      )
    c.set('asked', asked)
    await next()
  }
}

/** Pages of other nodes read here what players do: they go on here when their own node has ended. */
const allowOrigins = (origins: readonly string[], others: OtherNodes): Guard =>
  cors({
    origin: (origin, c) => {
      if (origins.includes(origin)) return origin
      if (!PLAYER_PATH.test(c.req.path)) return null
      return origins.includes('*') ? '*' : others.areOrigin(origin) ? origin : null
    },
    allowMethods: (origin) => (origins.includes(origin) ? ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'] : ['GET', 'HEAD']),
    allowHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'Last-Event-ID',
      'Range',
      'If-Range',
      'If-None-Match',
      ...TUS_HEADERS,
    ],
    exposeHeaders: [
      'Accept-Ranges',
      'Content-Length',
      'Content-Range',
      'ETag',
      'Retry-After',
      'Location',
      ...TUS_HEADERS,
    ],
    maxAge: 86_400,
  })

const isAboutUploads = ({ req }: Context): boolean =>
  req.method === 'OPTIONS' && req.path === '/v1/uploads' && req.header('access-control-request-method') === undefined

const isRead = (c: Context): boolean => READS.includes(c.req.method)

/** A request that changes something counts as `HTTP_RATE.change` that read. */
function limitRate(clock: Pick<Clock, 'mono'>): Guard {
  const buckets = new Map<string, TokenBucket>()
  return async (c, next) => {
    const { address } = c.get('asked')
    const bucket = buckets.get(address) ?? createTokenBucket(HTTP_RATE, clock)
    remember(buckets, address, bucket, ADDRESSES_MAX)
    if (!bucket.take())
      throw new RequestRefused(429, 'too_many_requests', 'too many requests from this address: ask again in a second')
    if (!isRead(c)) bucket.charge(HTTP_RATE.change - 1)
    c.set('bucket', bucket)
    await next()
  }
}

/**
 * Refuses what a page of another origin may have sent without asking first. Browsers say where a request comes from; a program says nothing, and
 * sends JSON, which no page can send unasked.
 */
const refuseForged =
  (origins: readonly string[]): Guard =>
  async (c, next) => {
    const [origin, site] = [c.req.header('origin'), c.req.header('sec-fetch-site')]
    if (isRead(c) || (origin !== undefined && origins.includes(origin))) return await next()
    const own = c.get('asked').origin
    const isForeign = (site !== undefined && !['same-origin', 'none'].includes(site)) || (origin ?? own) !== own
    if (isForeign)
      throw new RequestRefused(
        403,
        'foreign_origin',
        'pages of other origins may not change anything: http_cors lists those that may',
      )
    const isOwnPage = site === 'same-origin' || origin !== undefined
    if (!isOwnPage && c.req.method === 'POST' && !isAskedFirst(c))
      throw new RequestRefused(
        415,
        'bad_request',
        'a POST must have the header content-type: application/json, also without a body',
      )
    await next()
  }

/** Whether a browser asks before it sends this for a page of another origin: JSON, or a header of its own. */
const isAskedFirst = ({ req }: Context): boolean =>
  /^application\/json\b/i.test(req.header('content-type') ?? '') || req.header('tus-resumable') !== undefined

/** Whoever is public or has a token may read; to change something a token must be one to operate with. */
const checkToken =
  (tokens: GuardOptions['tokens']): Guard =>
  async (c, next) => {
    if (isRead(c) && isPublicPath(c.req.path)) return await next()
    const role = roleOf(c.req.header('authorization'), tokens())
    if (role === null) {
      c.get('bucket').charge(HTTP_RATE.wrongToken - 1)
      throw new RequestRefused(401, 'token_needed', 'a token of this node is needed: Authorization: Bearer TOKEN', {
        // Chromium reads the first of one line only, and asks people for what is Basic.
        headers: { 'WWW-Authenticate': 'Basic realm="reelmesh", Bearer realm="reelmesh"' },
      })
    }
    if (role === 'view' && !isRead(c))
      throw new RequestRefused(
        403,
        'may_only_view',
        'this token is one to view with: to change something, use one to operate',
      )
    await next()
  }

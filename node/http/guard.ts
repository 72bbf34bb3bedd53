/**
 * What stands before the routes of a node on its TCP listener, in this order: it is called by a name of its own (a page whose name was made to
 * resolve to this machine would read what its user may), pages of other origins only where they are named, a rate for each address, no request
 * that changes something from a page of another origin.
 */
import type { HttpBindings } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import { createTokenBucket, type TokenBucket } from '../../mesh/token-bucket.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { HTTP_RATE } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { remember } from '../../protocol/remember.ts'
import type { Api } from './api.ts'
import type { OtherNodes } from './other-nodes.ts'
import { createPageRoutes } from './page-routes.ts'
import { answerError, RequestRefused } from './refusals.ts'

/** Who may ask for what. */
export interface GuardOptions {
  /** Origins of pages that may use the API; `*`: all may read streaming packages. */
  readonly origins: readonly string[]
  /** Folders whose files callers may name. */
  readonly folders: readonly string[]
}

/** The parts that it uses. */
export interface GuardModules {
  readonly api: Api
  readonly ledger: Pick<Ledger, 'video'>
  readonly others: OtherNodes
  readonly clock: Pick<Clock, 'mono'>
  readonly log: Log
}

type Guarded = Hono<{ Bindings: HttpBindings }>
type Guard = MiddlewareHandler<{ Bindings: HttpBindings }>

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i
/** What players read: packages, and what the page with one asks beside them. */
const PLAYER_PATH = /^\/(?:v1\/videos\/[^/]+\/(?:hls|dash)\/|watch\/[^/]+\/about\.json$)/
const READS = ['GET', 'HEAD', 'OPTIONS']
/** Addresses whose rates are remembered; beyond it the oldest are forgotten. */
const ADDRESSES_MAX = 4_096

/** The API behind these guards. */
export function guarded(
  { origins, folders }: GuardOptions,
  { api, ledger, others, clock, log }: GuardModules,
): Guarded {
  const guard: Guarded = new Hono()
  guard.onError(answerError(log))
  guard.use(checkHost)
  guard.use(
    secureHeaders({
      // For a server of plain HTTP it means nothing, for one name it would bind all below it.
      strictTransportSecurity: false,
      crossOriginResourcePolicy: origins.length > 0 ? 'cross-origin' : 'same-origin',
    }),
  )
  guard.use(allowOrigins(origins, others))
  guard.use(limitRate(clock))
  guard.use(refuseForged(origins))
  guard.route('/', createPageRoutes({ ledger, others }))
  guard.all('*', (c) => api.fetch(c.req.raw, { ...c.env, folders }))
  return guard
}

const checkHost: Guard = async (c, next) => {
  if (!LOOPBACK_HOST.test(c.req.header('host') ?? ''))
    throw new RequestRefused(421, 'wrong_host', 'this server is called by the names and addresses of loopback only')
  await next()
}

/** Pages of other nodes read here what players do: they go on here when their own node has ended. */
const allowOrigins = (origins: readonly string[], others: OtherNodes): Guard =>
  cors({
    origin: (origin, c) => {
      if (origins.includes(origin)) return origin
      if (!PLAYER_PATH.test(c.req.path)) return null
      return origins.includes('*') ? '*' : others.areOrigin(origin) ? origin : null
    },
    allowMethods: (origin) => (origins.includes(origin) ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD']),
    allowHeaders: ['Content-Type', 'Range', 'If-Range', 'If-None-Match'],
    exposeHeaders: ['Accept-Ranges', 'Content-Length', 'Content-Range', 'ETag', 'Retry-After'],
    maxAge: 86_400,
  })

/** A request that changes something counts as `HTTP_RATE.change` that read. */
function limitRate(clock: Pick<Clock, 'mono'>): Guard {
  const buckets = new Map<string, TokenBucket>()
  return async (c, next) => {
    const { address = '' } = getConnInfo(c).remote
    const bucket = buckets.get(address) ?? createTokenBucket(HTTP_RATE, clock)
    remember(buckets, address, bucket, ADDRESSES_MAX)
    if (!bucket.take())
      throw new RequestRefused(429, 'too_many_requests', 'too many requests from this address: ask again in a second')
    if (!READS.includes(c.req.method)) bucket.charge(HTTP_RATE.change - 1)
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
    if (READS.includes(c.req.method) || (origin !== undefined && origins.includes(origin))) return await next()
    const own = `http://${c.req.header('host')?.toLowerCase()}`
    const isForeign = (site !== undefined && !['same-origin', 'none'].includes(site)) || (origin ?? own) !== own
    if (isForeign)
      throw new RequestRefused(
        403,
        'foreign_origin',
        'pages of other origins may not change anything: http_cors lists those that may',
      )
    const isOwnPage = site === 'same-origin' || origin !== undefined
    if (!isOwnPage && c.req.method === 'POST' && !/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
      throw new RequestRefused(
        415,
        'bad_request',
        'a POST must have the header content-type: application/json, also without a body',
      )
    await next()
  }

/** The part of a node that serves its API, streaming packages to players, and a page with one, over TCP. */
import { type Clock, within } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { watchPart } from '../host/secret-files.ts'
import type { Part } from '../parts.ts'
import type { Listener } from '../peers/heartbeat-body.ts'
import type { Api } from './api.ts'
import type { GuardModules, GuardOptions } from './guard.ts'
import { accessFiles, type HttpAccess, type HttpSettings, isForAll, readHttpAccess } from './http-access.ts'
import { callersUrl } from './http-address.ts'
import type { HttpServer } from './http-server.ts'
import { ledgerInTime } from './reads-in-time.ts'

/** Settings: see `httpSettings`. */
export interface HttpPartOptions extends HttpSettings {
  readonly http_hosts: readonly string[]
  readonly http_cors: readonly string[]
  readonly http_folders: readonly string[]
}

/** The part that listens. */
export interface HttpPart extends Part {
  /** Where it listens once it is started: null without the setting. */
  url(): string | null
  /** The same for those who call it, and for all. */
  listener(): Listener
  /** Whether something was read in the last 30 s: a player that plays does, and an open page also when it is paused. */
  isWatched(): boolean
}

const WATCHED_MS = 30_000
/** How long a stop waits for answers to requests that run, ms: that to the drain of this node is one. */
const LAST_ANSWERS_MS = 1_000

/** The part of these settings; without access it does nothing. Its start rejects as `serveHttp`. */
export function createHttpPart(
  access: HttpAccess | null,
  options: HttpPartOptions,
  {
    loadApi,
    ...modules
  }: Omit<GuardModules, 'api'> & {
    readonly loadApi: () => Promise<Api>
    readonly ledger: Ledger
    readonly clock: Clock
  },
): HttpPart {
  let server: HttpServer | null = null
  let watch: Required<Part> | null = null
  let askedAt = Number.NEGATIVE_INFINITY
  const { clock, log } = modules
  return {
    name: 'HTTP server',
    async start(stopping) {
      if (access === null) return
      const { address, tls } = access
      let { tokens } = access
      const rules: GuardOptions = {
        isLoopback: address.isLoopback,
        isTls: tls !== null,
        isBehindProxy: options.http_behind_proxy,
        hosts: options.http_hosts,
        origins: options.http_cors,
        folders: options.http_folders,
        tokens: () => tokens,
      }
      const [{ guarded }, { serveHttp }, api] = await Promise.all([
        import('./guard.ts'),
        import('./http-server.ts'),
        loadApi(),
      ])
      const guard = guarded(rules, { ...modules, api, ledger: ledgerInTime(modules.ledger, clock) })
      server = await serveHttp(guard, address, { tls, names: options.http_hosts })
      server.onGet(() => {
        askedAt = clock.mono()
      })
      const reread = async () => {
        const changed = await readHttpAccess(options, log)
        if (changed === null) return
        tokens = changed.tokens
        if (changed.tls) server?.renew(changed.tls)
      }
      const what = 'tokens and certificates of the HTTP API'
      const files = { paths: accessFiles(options), what, stamp: access.stamp, reread }
      watch = watchPart(files, { clock, log })
      watch.start(stopping)
    },
    url: () => server?.url ?? null,
    listener: () => ({
      own: server && callersUrl(server.url, options),
      forAll: server && access && isForAll(access) ? server.url : null,
    }),
    isWatched: () => clock.mono() - askedAt < WATCHED_MS,
    async stop() {
      await watch?.stop()
      if (server) await within(clock, LAST_ANSWERS_MS, server.lastAnswers())
      await server?.close()
    },
  }
}

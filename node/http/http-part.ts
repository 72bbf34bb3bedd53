/** The part of a node that serves its API, streaming packages to players, and a page with one, over TCP. */
import { createBlobRanges } from '../../blobs/read-range.ts'
import type { DeliveredBlobs } from '../../protocol/blobs.ts'
import type { Adapters } from '../adapters.ts'
import type { Part } from '../parts.ts'
import { createArtifactReads } from '../streams/artifact-reads.ts'
import { createFinishedPackages } from '../streams/finished-packages.ts'
import { createGrowingPackages } from '../streams/growing-packages.ts'
import { createStreams, type Streams } from '../streams/streams.ts'
import { type GuardModules, guarded } from './guard.ts'
import { httpAddress } from './http-address.ts'
import { type HttpServer, serveHttp } from './http-server.ts'

/** Settings: see `httpSettings`. */
export interface HttpPartOptions {
  readonly http?: string | undefined
  readonly http_cors: readonly string[]
  readonly http_folders: readonly string[]
}

/** The part that listens. */
export interface HttpPart extends Part {
  /** Where it listens once it is started: null without the setting. */
  url(): string | null
  /** Whether something was read in the last 30 s: a player that plays does, and an open page also when it is paused. */
  isWatched(): boolean
}

const WATCHED_MS = 30_000

/** The parts that streams are made of. */
export interface StreamModules extends Pick<Adapters, 'ledger' | 'store' | 'mesh' | 'clock' | 'rng' | 'log'> {
  readonly delivered: DeliveredBlobs
}

/** The part of these settings; without `http` it does nothing. Its start rejects as `serveHttp`. */
export function createHttpPart(options: HttpPartOptions, modules: GuardModules): HttpPart {
  let server: HttpServer | null = null
  let askedAt = Number.NEGATIVE_INFINITY
  const { clock } = modules
  return {
    name: 'HTTP server',
    async start() {
      const address = options.http === undefined ? 'invalid' : httpAddress(options.http)
      if (typeof address === 'string') return
      server = await serveHttp(guarded({ origins: options.http_cors, folders: options.http_folders }, modules), address)
      server.onGet(() => {
        askedAt = clock.mono()
      })
    },
    url: () => server?.url ?? null,
    isWatched: () => clock.mono() - askedAt < WATCHED_MS,
    stop: async () => await server?.close(),
  }
}

/** The files of streaming packages of all videos, from wherever their bytes lie. */
export function createNodeStreams({ ledger, store, mesh, clock, rng, delivered, ...modules }: StreamModules): Streams {
  const log = modules.log.child({ part: 'streams' })
  const ranges = createBlobRanges({ mesh, clock, rng, log })
  const reads = createArtifactReads({
    self: mesh.self,
    store,
    delivered,
    ranges,
    peers: () => mesh.peers(),
    clock,
    log,
  })
  return createStreams(ledger, [createGrowingPackages({ ledger, reads }), createFinishedPackages({ ledger, reads })])
}

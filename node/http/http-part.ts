/** The part of a node that serves streaming packages to players. */
import { createBlobRanges } from '../../blobs/read-range.ts'
import type { DeliveredBlobs } from '../../protocol/blobs.ts'
import type { Adapters } from '../adapters.ts'
import type { Part } from '../parts.ts'
import { createArtifactReads } from '../streams/artifact-reads.ts'
import { createFinishedPackages } from '../streams/finished-packages.ts'
import { createGrowingPackages } from '../streams/growing-packages.ts'
import { createStreams, type Streams } from '../streams/streams.ts'
import { httpAddress } from './http-address.ts'
import { createMediaRoutes } from './media-routes.ts'
import { type MediaServer, serveMedia } from './media-server.ts'

/** Settings: see `httpSettings`. */
export interface MediaPartOptions {
  readonly http?: string | undefined
  readonly http_cors: readonly string[]
}

/** The part, and where it listens once it is started: null without the setting. */
export interface MediaPart extends Part {
  url(): string | null
}

/** The parts that it uses. */
export interface MediaPartModules extends Pick<Adapters, 'ledger' | 'store' | 'mesh' | 'clock' | 'rng' | 'log'> {
  readonly delivered: DeliveredBlobs
}

/** The part of these settings; without `http` it does nothing. Its start rejects as `serveMedia`. */
export function createMediaPart({ http, http_cors: origins }: MediaPartOptions, modules: MediaPartModules): MediaPart {
  let server: MediaServer | null = null
  return {
    name: 'media routes',
    async start() {
      const address = http === undefined ? 'invalid' : httpAddress(http)
      if (typeof address === 'string') return
      const log = modules.log.child({ part: 'http' })
      server = await serveMedia(createMediaRoutes({ streams: createNodeStreams(modules), origins, log }), address)
    },
    url: () => server?.url ?? null,
    stop: async () => await server?.close(),
  }
}

function createNodeStreams({ ledger, store, mesh, clock, rng, delivered, ...modules }: MediaPartModules): Streams {
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

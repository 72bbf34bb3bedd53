/** The part of a node that serves streaming packages to players. */
import type { BlobStore } from '../../protocol/blobs.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Log } from '../../protocol/log.ts'
import type { Part } from '../parts.ts'
import { createArtifactReads } from '../streams/artifact-reads.ts'
import { createFinishedPackages } from '../streams/finished-packages.ts'
import { createStreams } from '../streams/streams.ts'
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

/** The part of these settings; without `http` it does nothing. Its start rejects as `serveMedia`. */
export function createMediaPart(
  { http, http_cors: origins }: MediaPartOptions,
  { ledger, store, log }: { readonly ledger: Ledger; readonly store: BlobStore; readonly log: Log },
): MediaPart {
  let server: MediaServer | null = null
  return {
    name: 'media routes',
    async start() {
      const address = http === undefined ? 'invalid' : httpAddress(http)
      if (typeof address === 'string') return
      const reads = createArtifactReads({ store })
      const streams = createStreams(ledger, [createFinishedPackages({ ledger, reads })])
      server = await serveMedia(createMediaRoutes({ streams, origins, log: log.child({ part: 'http' }) }), address)
    },
    url: () => server?.url ?? null,
    stop: async () => await server?.close(),
  }
}

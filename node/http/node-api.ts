/** The API of a node: its operations, its files wherever their bytes lie, and its events. */
import { createBlobRanges } from '../../blobs/read-range.ts'
import { createWholeBlobs } from '../../blobs/read-whole.ts'
import type { BlobTraffic, DeliveredBlobs } from '../../protocol/blobs.ts'
import type { Adapters } from '../adapters.ts'
import type { NodeFace } from '../face.ts'
import { createArtifactFiles } from '../streams/artifact-files.ts'
import { createArtifactReads } from '../streams/artifact-reads.ts'
import { createAttemptLogs } from '../streams/attempt-logs.ts'
import { createFinishedPackages } from '../streams/finished-packages.ts'
import { createGrowingPackages } from '../streams/growing-packages.ts'
import { createStreams } from '../streams/streams.ts'
import { type Api, type ApiModules, createApi } from './api.ts'
import { createEventFeed } from './event-feed.ts'
import type { MediaRoutesOptions } from './media-routes.ts'
import { faceInTime } from './reads-in-time.ts'

/** The parts that streams are made of. */
export interface StreamModules extends Pick<Adapters, 'ledger' | 'store' | 'mesh' | 'clock' | 'rng' | 'log'> {
  readonly delivered: DeliveredBlobs
  readonly traffic: BlobTraffic
}

/** The API of a node, with the files of all videos and its events. */
export function createNodeApi(
  patient: NodeFace,
  adapters: StreamModules,
  modules: Pick<ApiModules, 'uploads' | 'metrics' | 'admission'>,
): Api {
  const { clock, rng } = adapters
  const face = faceInTime(patient, clock)
  const { ledger } = face
  const log = adapters.log.child({ part: 'http' })
  const events = createEventFeed({ ledger, clock, log })
  const files = createNodeFiles({ ...adapters, ledger })
  return createApi(face, { ...files, ...modules, events, clock, rng, log })
}

/** The files of all videos, those of streaming packages and finished ones, from wherever their bytes lie. */
function createNodeFiles({
  ledger,
  store,
  mesh,
  clock,
  rng,
  delivered,
  traffic,
  ...modules
}: StreamModules): Pick<MediaRoutesOptions, 'streams' | 'artifacts' | 'logs'> {
  const log = modules.log.child({ part: 'streams' })
  const ranges = createBlobRanges({ mesh, clock, rng, log, traffic })
  const reads = createArtifactReads({
    self: mesh.self,
    store,
    delivered,
    ranges,
    peers: () => mesh.peers(),
    clock,
    log,
  })
  const streams = createStreams(ledger, [
    createGrowingPackages({ ledger, reads, clock }),
    createFinishedPackages({ ledger, reads }),
  ])
  const logs = createAttemptLogs({ self: mesh.self, ledger, store, blobs: createWholeBlobs({ mesh, clock, traffic }) })
  return { streams, artifacts: createArtifactFiles({ ledger, reads }), logs }
}

/** The parts that both runners of control tasks, ingest and merge, use. */
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import type { Clock, Rng } from '../../protocol/clock.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Media } from '../../protocol/media.ts'

/** This peer, and what it reads, writes and encodes with. */
export interface RunnerParts {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly media: Media
  readonly clock: Clock
  readonly rng: Rng
}

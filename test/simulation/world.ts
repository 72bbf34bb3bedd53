/** What all simulated machines share: time, chance, the network, the ledger, the disks, and who writes things down. */
import type { Steps } from '../../node/ledger/steps.ts'
import type { MemoryHub } from '../../node/mesh/memory-mesh.ts'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Media } from '../../protocol/media.ts'
import type { Neighbour } from './blob-stand-ins.ts'
import type { LineFaults } from './ledger-line.ts'
import type { GossipNoise } from './mesh-noise.ts'
import type { Scenario } from './scenario.ts'
import type { Seeded } from './seeded.ts'
import type { VirtualDisk } from './virtual-disk.ts'
import type { Scheduler } from './virtual-time.ts'

/** A deliberate fault: each part wraps one contract and breaks one promise of it. None in a plain run. */
export interface Sabotage {
  /** Below the audit: what the ledger really does. */
  steps?(steps: Steps): Steps
  /** Methods to replace, of the ledger as one peer sees it. */
  ledger?(ledger: Ledger): Partial<Ledger>
  media?(media: Media, machine: string): Media
  store?(store: BlobStore): BlobStore
  exchange?(exchange: BlobExchange): BlobExchange
  /** What makes the broken promise matter often, so that few seeds are needed to notice. A right mesh stands it. */
  readonly circumstances?: Circumstances
}

export type Circumstances = (drawn: Scenario) => Scenario

export interface World {
  readonly scheduler: Scheduler
  readonly rng: Seeded
  readonly hub: MemoryHub
  readonly disk: VirtualDisk
  /** Audited. */
  readonly steps: Steps
  readonly ledgerFaults: LineFaults
  readonly gossip: GossipNoise
  readonly ids: readonly PeerId[]
  readonly sabotage: Sabotage
  neighbour(peer: PeerId): Neighbour
  trace(line: string): void
  report(violation: string): void
}

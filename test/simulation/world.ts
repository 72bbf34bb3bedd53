/** What all simulated machines share: time, chance, the network, the ledger, the disks, and who writes things down. */
import type { Steps } from '../../ledger/steps.ts'
import type { NodeFace } from '../../node/face.ts'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Media } from '../../protocol/media.ts'
import type { MemoryHub } from '../../testing/memory-mesh/memory-mesh.ts'
import type { Neighbour } from '../../testing/simulation/blob-stand-ins.ts'
import type { LineFaults } from '../../testing/simulation/ledger-line.ts'
import type { Seeded } from '../../testing/simulation/seeded.ts'
import type { VirtualDisk } from '../../testing/simulation/virtual-disk.ts'
import type { Scheduler } from '../../testing/simulation/virtual-time.ts'
import type { HookRules } from './hook-rules.ts'
import type { GossipNoise } from './mesh-noise.ts'
import type { Scenario } from './scenario.ts'

/** A deliberate fault: each part wraps one contract and breaks one promise of it. None in a plain run. */
export interface Sabotage {
  /** Below the audit: what the ledger really does. */
  steps?(steps: Steps): Steps
  /** Methods to replace, of the ledger as one peer sees it. */
  ledger?(ledger: Ledger): Partial<Ledger>
  face?(face: NodeFace): Pick<NodeFace, 'snapshot'>
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
  /** As in `Scenario`. */
  readonly audit: number
  readonly hook: HookRules
  neighbour(peer: PeerId): Neighbour
  trace(line: string): void
  report(violation: string): void
}

/**
 * The contract of a duty, and the context of a term. Each duty declares the slice of the context that it uses. Every write of a duty carries
 * its term; a duty holds no state that a new leader could not read or measure again.
 */

import type { ScalingRules } from '../fleet/scaling/scaling.ts'
import type { BlobExchange, BlobStore } from '../protocol/blobs.ts'
import type { Capability } from '../protocol/capability.ts'
import type { Clock, Rng } from '../protocol/clock.ts'
import type { Emit } from '../protocol/emitter.ts'
import type { RunningAttempt } from '../protocol/heartbeat.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId, TaskId, VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import type { Log } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import type { PeerTable } from '../protocol/peer-table.ts'
import type { VideoDetail } from '../protocol/status.ts'
import type { SuspicionSource } from '../protocol/suspicions.ts'
import type { UndeliveredVideos } from '../protocol/undelivered.ts'
import type { SendWebhook, WebhookEndpoints } from '../protocol/webhook.ts'
import type { OpenVideos } from './open-videos.ts'

/** The bounds of scaling, and what this peer adds to the capacity itself. */
export interface ScaleOptions extends ScalingRules {
  /** Number of encodes that this peer itself runs at once. */
  readonly own_slots: number
}

/** Audits that settle a difference, run by a coordinator that encodes nothing else. */
export interface Settles {
  /** What its ffmpeg can encode. */
  readonly capability: Capability
  /** Has this audit claimed here, where no other peer claims it first. */
  take(task: TaskId): void
}

/** What webhooks are made and sent with. */
export interface WebhookParts {
  /** The endpoints of the configuration. */
  readonly endpoints: WebhookEndpoints
  readonly send: SendWebhook
  /** A video as the API shows it; null where there is none. Rejects with `LedgerUnavailable`. */
  shown(id: VideoId): Promise<VideoDetail | null>
}

/** What the leader needs to know about its own peer. */
export interface CoordinatorOptions {
  readonly self: PeerId
  /** This peer's name, for events. */
  readonly name: string
  /** The `host` of this peer's heartbeats. */
  readonly host: string
  /** Number of encodes that this peer itself runs at once. */
  readonly slots: number
  /** What this peer encodes; null without the worker role. */
  readonly capability: Capability | null
  /** How this peer settles differences between results of others without an encode slot; null where it has slots, or cannot. */
  readonly settles: Settles | null
  /** Whether no other peer with the coordinator role can join, so that none is waited for: the mesh of a run. */
  readonly isOnlyCoordinator: boolean
  /** Share of results that are audited, 0–1; 0: none. */
  readonly audit: number
  /** Rules of scaling; absent where this leader scales nothing. */
  readonly scaling?: ScaleOptions
}

/** The parts that a coordinator uses. */
export interface CoordinatorModules {
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  readonly hints: Hints
  readonly peers: PeerTable
  readonly suspicions: SuspicionSource
  readonly mesh: Pick<Mesh, 'peers'>
  /** Peers from which a blob can be had now (`reachablePeers`). */
  reachable(): readonly PeerId[]
  readonly undelivered: UndeliveredVideos
  /** The reason against leading now, or null. */
  readonly admission: { mayLead(): Promise<string | null> }
  /** The attempts that this peer itself runs. */
  running(): readonly RunningAttempt[]
  /** Absent where this leader sends no webhooks: another one may. */
  readonly webhooks?: WebhookParts
}

/** Everything that the duties of a term use; each picks its slice. */
export interface TermContext
  extends Pick<
      CoordinatorOptions,
      'self' | 'name' | 'slots' | 'host' | 'capability' | 'settles' | 'audit' | 'isOnlyCoordinator'
    >,
    Pick<
      CoordinatorModules,
      | 'ledger'
      | 'store'
      | 'exchange'
      | 'clock'
      | 'rng'
      | 'log'
      | 'emit'
      | 'hints'
      | 'peers'
      | 'suspicions'
      | 'reachable'
      | 'undelivered'
      | 'running'
    > {
  readonly term: number
  readonly openVideos: OpenVideos
  /** Peers that this leader has a connection to. */
  connected(): readonly PeerId[]
  /** Releases the lease, and does not run for it for a while: this leader may be cut off, or fails at its work. */
  stepDown(reason: string): void
}

/** One kind of work of a term, called at every hint and at an interval (`duty-interval.ts`). */
export interface Duty {
  readonly name: string
  round(signal: AbortSignal): Promise<void>
}

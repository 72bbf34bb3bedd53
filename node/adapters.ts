/** What the modules of a node are made from: its adapters, which `compose.ts` chooses or a simulation has, its options, and its basic modules. */
import type { ScaleOptions, WebhookParts } from '../coordinator/duty.ts'
import type { SubmitKey } from '../protocol/api.ts'
import type { BlobExchange, BlobStore } from '../protocol/blobs.ts'
import type { Capability } from '../protocol/capability.ts'
import type { Clock, Rng } from '../protocol/clock.ts'
import type { OpenDestination } from '../protocol/destination.ts'
import type { Emit } from '../protocol/emitter.ts'
import type { Heartbeat } from '../protocol/heartbeat.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import type { Log } from '../protocol/log.ts'
import type { Media } from '../protocol/media.ts'
import type { Recipe } from '../protocol/recipe.ts'
import type { SharedFolders } from '../protocol/shared-folder.ts'
import type { OpenSource } from '../protocol/source.ts'
import type { UndeliveredVideos } from '../protocol/undelivered.ts'
import type { MeshHints } from './hints.ts'
import type { AcceptedDeliveries } from './host/accepted-deliveries.ts'
import type { BootEpoch } from './peers/boot-epoch.ts'
import type { HeardTable } from './peers/heartbeat.ts'
import type { MemberMesh } from './peers/member-mesh.ts'
import type { Membership } from './peers/membership.ts'
import type { Suspicions } from './peers/suspicions.ts'
import type { Traces } from './traces/traces.ts'
import type { PendingSubmits } from './videos/pending-submits.ts'
import type { PlanSource } from './videos/plan-source.ts'

/** The adapters of a node. */
export interface Adapters {
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly ledger: Ledger
  /** As it is with members only (`peers/member-mesh.ts`). */
  readonly mesh: MemberMesh
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly media: Media
  readonly openSource: OpenSource
  readonly openDestination: OpenDestination
  readonly folders: SharedFolders
  readonly accepted: AcceptedDeliveries
  readonly bootEpoch: BootEpoch
  readonly membership: Membership
  /** Absent where no traces are sent. */
  readonly traces?: Traces
  /** Absent where this node cannot lead. */
  readonly webhooks?: Pick<WebhookParts, 'endpoints' | 'send'>
}

/** What this node is and what it may do. */
export interface NodeOptions {
  readonly version: string
  /** The name of this peer, for people. */
  readonly name: string
  /** `<hostname>-<machine id>` (`peers/host-id.ts`). */
  readonly host: string
  readonly roles: Heartbeat['roles']
  /** Version of the ffmpeg, for people. */
  readonly ffmpeg: string
  /** The capability of its ffmpeg within the owner's settings; the kinds follow from its modules. */
  readonly capability: Omit<Capability, 'kinds'>
  /** Number of encodes at once; 0 without the worker role. */
  readonly slots: number
  /** As in `CoordinatorOptions`, 0–1. */
  readonly audit: number
  /** Rules of scaling; absent where this peer scales nothing. */
  readonly scaling?: ScaleOptions
  /** As in `CoordinatorOptions`. */
  readonly isOnlyCoordinator: boolean
  /** Whether this peer encodes one film, beside no other peer, and nobody watches it meanwhile. */
  readonly isForOneFilm: boolean
  /** Absolute paths; null where no folder is watched. */
  readonly inputFolder: {
    readonly input: string
    readonly output: string
    readonly stateFile: string
    readonly recipe: Recipe
    readonly key?: SubmitKey | undefined
    /** Endpoints of the webhooks of its videos. */
    readonly webhooks?: readonly string[]
    /** As in `InputFolderOptions`. */
    deadlineAt?(now: number): number | null
  } | null
}

/** The modules that are made first. */
export interface Basics {
  readonly self: PeerId
  readonly hints: MeshHints
  readonly emit: Emit
  readonly peers: HeardTable
  readonly suspicions: Suspicions
  readonly plans: PlanSource
  readonly pendingSubmits: PendingSubmits
  readonly undelivered: UndeliveredVideos
  /** Peers from which a blob can be had now. */
  reachable(): readonly PeerId[]
}

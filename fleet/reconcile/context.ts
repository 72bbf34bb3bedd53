/** What a reconciler is given, what it remembers between rounds, and both together: the context that every step of a round takes. */
import type { Clock, Rng } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Launcher, WorkerSpec } from '../../protocol/launcher.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Log } from '../../protocol/log.ts'
import type { PeerTable } from '../../protocol/peer-table.ts'
import { createSilence, type Silence } from './silence.ts'
import { NOT_ON_STANDBY, type StandbyState } from './standby-state.ts'
import { NO_FAILURES, type StartBackoff } from './start-backoff.ts'

/** What a reconciler works with. The launcher decides which engine it is for. */
export interface ReconcilerOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  /** Of the one engine that this peer reaches; closed with the reconciler. */
  readonly launcher: Launcher
  readonly peers: PeerTable
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  readonly hints: Pick<Hints, 'publish'>
  /** Workers on the engine at most, whatever the ledger says: the person who runs this machine has the last word. */
  readonly max: number
  /** What a new worker of this name is given. `reason`: why it is started. */
  spec(name: string, reason: string): WorkerSpec
}

/** All that a reconciler remembers between two rounds. Times are of the own monotonic clock, ms. */
export interface ReconcilerState {
  /** The engine's id; null until it answered for the first time. */
  engine: string | null
  /** Since when the leader counts on this engine; what was wanted of it before means nothing. */
  countedSince: number
  /** When each worker that is in the launcher's list was first seen running, by its id. */
  firstSeen: ReadonlyMap<string, number>
  readonly silence: Silence
  starts: StartBackoff
  standby: StandbyState
  /** The failure of the engine that was emitted last; null since it was emitted that it can run workers again. */
  reported: Error | null
  /** Whether the last round saw a healthy worker. */
  isWell: boolean
  /** Whether more were wanted in the last round than may run here. */
  isCapped: boolean
}

/** Options and state, and the signal that ends a round early. */
export interface Context extends ReconcilerOptions {
  readonly state: ReconcilerState
  readonly signal: AbortSignal
}

/** The state of a reconciler that has seen nothing yet. */
export const initialState = (options: Pick<ReconcilerOptions, 'clock' | 'peers'>): ReconcilerState => ({
  engine: null,
  countedSince: Number.NEGATIVE_INFINITY,
  firstSeen: new Map(),
  silence: createSilence(options),
  starts: NO_FAILURES,
  standby: NOT_ON_STANDBY,
  reported: null,
  isWell: false,
  isCapped: false,
})

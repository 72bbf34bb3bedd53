/** The context of every step of a round: the options of a reconciler and its state. */
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

/** The parts that a reconciler uses. The launcher is that of its engine. */
export interface ReconcilerOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  /** The launcher of the engine that this peer reaches; closed with the reconciler. */
  readonly launcher: Launcher
  readonly peers: PeerTable
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  readonly hints: Pick<Hints, 'publish'>
  /** Largest number of workers on the engine, set by the owner of this machine; it wins over the number in the ledger. */
  readonly max: number
  /** The specification of a new worker. `reason`: why it is started. */
  spec(name: string, reason: string): WorkerSpec
}

/** The state of a reconciler between rounds. Times are monotonic ms. */
export interface ReconcilerState {
  /** The engine's id; null until it answered for the first time. */
  engine: string | null
  /** Since when the leader knows that this engine is reached; the number that it wanted before is out of date. */
  countedSince: number
  /** When each listed worker was first seen running, by its id. */
  firstSeen: ReadonlyMap<string, number>
  readonly silence: Silence
  starts: StartBackoff
  standby: StandbyState
  /** The last failure of the engine that was emitted; null after its recovery was emitted. */
  reported: Error | null
  /** Whether the last round saw a healthy worker. */
  isWell: boolean
  /** Whether the last round wanted more workers than `max`. */
  isCapped: boolean
}

/** Options, state, and the signal that ends a round early. */
export interface Context extends ReconcilerOptions {
  readonly state: ReconcilerState
  readonly signal: AbortSignal
}

/** The state before the first round. */
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

/**
 * The admission gate: whether this peer may claim, and may lead, now, and why not: paused, draining or quarantined by its record in
 * the ledger, disk full, self-test failed, ledger unavailable, leaving.
 *
 *   working ── paused ──► releases running attempts, claims nothing ── resumed ──► working
 *   working ── quarantined ──► no encodes; control tasks and leading continue ── its time is over ──► working
 *   working ── draining ──► claims nothing, finishes running attempts ── all are settled ──► drained: the node stops
 */
import { type BlobStore, hasRoomFor } from '../protocol/blobs.ts'
import type { Clock } from '../protocol/clock.ts'
import type { Emit } from '../protocol/emitter.ts'
import { LedgerUnavailable } from '../protocol/errors.ts'
import type { Heartbeat } from '../protocol/heartbeat.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger, PeerRecord } from '../protocol/ledger.ts'
import { IDLE_POLL_MS, NOTIFIED_GAP_MS } from '../protocol/limits.ts'
import { type PeerTable, presentPeers, takesWork } from '../protocol/peer-table.ts'
import type { Attempts } from './worker/attempts.ts'
import type { CircuitBreakers } from './worker/circuit-breaker.ts'

/** Which slots a claim is for: an encode (video, audio), or a control task (ingest, merge). */
export type Work = 'encode' | 'control'

/** The id and name of this peer, for events. */
export interface AdmissionOptions {
  readonly self: PeerId
  /** This peer's name, for events. */
  readonly name: string
}

/** The parts that the gate uses. */
export interface AdmissionModules {
  readonly ledger: Pick<Ledger, 'peer' | 'now'>
  readonly store: Pick<BlobStore, 'room'>
  readonly clock: Clock
  /** The hint `peers` makes the gate read this peer's record at once. */
  readonly hints: Pick<Hints, 'on'>
  readonly peers: PeerTable
  readonly attempts: Pick<Attempts, 'running' | 'areSettled' | 'releaseAll'>
  readonly breakers: Pick<CircuitBreakers, 'hasFailedSelfTest'>
  /** Emits `disk_full` and `disk_has_room`. */
  readonly emit: Emit
}

/** Whether this peer may claim and lead, and its state for heartbeats. */
export interface AdmissionGate {
  /** The reason against claiming, or null. Rejects with errors other than `LedgerUnavailable`, which is the reason `ledger_away`. */
  mayClaim(work: Work): Promise<Heartbeat['state'] | null>
  /** The reason against leading, for people, or null. Never rejects: while the ledger is unavailable the last record counts. */
  mayLead(): Promise<string | null>
  /** The state that heartbeats show. */
  state(): Heartbeat['state']
  /** Resolves when this peer is draining and every attempt of it is settled. */
  readonly drained: Promise<void>
  /** Handles hints from now on. Idempotent. */
  start(): void
  /** Marks this peer as leaving: from now on nothing is admitted. Idempotent. */
  close(): void
}

/** Interval at which the record is read without a hint. */
const RECORD_MS = 5 * IDLE_POLL_MS

/** Makes a gate that is not started. */
export const createAdmissionGate = (options: AdmissionOptions, modules: AdmissionModules): AdmissionGate =>
  new RecordGate(options, modules)

class RecordGate implements AdmissionGate {
  readonly #options: AdmissionOptions
  readonly #modules: AdmissionModules
  readonly #drained = Promise.withResolvers<void>()
  readonly drained = this.#drained.promise
  #record: Pick<PeerRecord, 'paused' | 'draining'> = { paused: false, draining: false }
  #readAt = Number.NEGATIVE_INFINITY
  /** End of a quarantine, by the monotonic clock, ms. */
  #quarantinedUntil = Number.NEGATIVE_INFINITY
  #state: Heartbeat['state'] = 'idle'
  #isFull = false
  #isClosed = false
  #unsubscribe: (() => void) | null = null
  #hintedAt = Number.NEGATIVE_INFINITY
  #cancelReading: (() => void) | null = null

  constructor(options: AdmissionOptions, modules: AdmissionModules) {
    this.#options = options
    this.#modules = modules
  }

  start(): void {
    this.#unsubscribe ??= this.#modules.hints.on(['peers'], () => this.#readSoon())
  }

  close(): void {
    this.#isClosed = true
    this.#unsubscribe?.()
    this.#cancelReading?.()
  }

  async mayClaim(work: Work): Promise<Heartbeat['state'] | null> {
    try {
      const reason = await this.#reason()
      this.#state = reason ?? 'idle'
      return reason ?? (work === 'encode' && this.#isQuarantined() ? 'quarantined' : null)
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error
      this.#state = 'ledger_away'
      return this.#state
    }
  }

  async mayLead(): Promise<string | null> {
    await this.#read().catch(() => {})
    const { paused, draining } = this.#record
    if (draining || paused) return draining ? 'draining' : 'paused'
    // A leader without a working ffmpeg is better than none: only merges and cuts wait then.
    if (this.#modules.breakers.hasFailedSelfTest() && this.#hasDeputy()) return 'its ffmpeg fails the self-test'
    return (await this.#hasRoom().catch(() => true)) ? null : 'disk full'
  }

  state(): Heartbeat['state'] {
    if (this.#isClosed) return 'leaving'
    if (this.#state !== 'idle') return this.#state
    if (this.#modules.breakers.hasFailedSelfTest()) return 'self_test_failed'
    if (this.#isQuarantined()) return 'quarantined'
    const running = this.#modules.attempts.running()
    if (running.length === 0) return 'idle'
    return running.every(({ waits }) => waits) ? 'waiting' : 'working'
  }

  /** The reason against claiming any task, or null. */
  async #reason(): Promise<Heartbeat['state'] | null> {
    if (this.#isClosed) return 'leaving'
    await this.#read()
    this.#checkDrained()
    if (this.#record.draining) return 'draining'
    if (this.#record.paused) return 'paused'
    const wasFull = this.#isFull
    this.#isFull = !(await this.#hasRoom())
    const { self: peer, name } = this.#options
    if (this.#isFull !== wasFull)
      void this.#modules.emit({ code: this.#isFull ? 'disk_full' : 'disk_has_room', peer, name })
    return this.#isFull ? 'disk_full' : null
  }

  async #read(): Promise<void> {
    const { ledger, clock, attempts } = this.#modules
    if (clock.mono() - this.#readAt <= RECORD_MS) return
    const { paused, draining, quarantined_until } = await ledger.peer(this.#options.self)
    this.#readAt = clock.mono()
    const leftMs = quarantined_until === null ? 0 : quarantined_until - (await ledger.now())
    this.#quarantinedUntil = clock.mono() + leftMs
    // The owner of the machine wants it now, not at the end of the chunk.
    if (paused && !this.#record.paused) attempts.releaseAll()
    this.#record = { paused, draining }
  }

  /** At once, or after `NOTIFIED_GAP_MS` since the last time: a flood of hints must not become one of reads. */
  #readSoon(): void {
    const { clock } = this.#modules
    const restMs = this.#hintedAt + NOTIFIED_GAP_MS - clock.mono()
    const read = () => {
      this.#cancelReading = null
      this.#hintedAt = clock.mono()
      void this.#readAgain().catch(() => {})
    }
    if (restMs <= 0) read()
    else this.#cancelReading ??= clock.timer(restMs, read)
  }

  async #readAgain(): Promise<void> {
    this.#readAt = Number.NEGATIVE_INFINITY
    await this.#read()
    this.#checkDrained()
  }

  #checkDrained(): void {
    if (this.#record.draining && this.#modules.attempts.areSettled()) this.#drained.resolve()
  }

  #isQuarantined(): boolean {
    return this.#modules.clock.mono() < this.#quarantinedUntil
  }

  async #hasRoom(): Promise<boolean> {
    return hasRoomFor(0, await this.#modules.store.room())
  }

  /** Whether another present peer could lead. */
  #hasDeputy(): boolean {
    const others = presentPeers(this.#modules.peers, this.#modules.clock.mono())
    return others.some(({ beat }) => beat.roles.includes('coordinator') && takesWork(beat))
  }
}

/**
 * Whether this peer may work now, and why not: paused, draining or quarantined by its record in the ledger, short of disk, its
 * ffmpeg unproved, the ledger away, leaving.
 *
 *   working ── paused ──► gives back what runs, claims nothing ── resumed ──► working
 *   working ── quarantined ──► encodes nothing; desk work and leading go on ── its time is over ──► working
 *   working ── draining ──► claims nothing, ends what runs ── nothing runs ──► drained: the node stops
 */
import { type BlobStore, hasRoomFor } from '../protocol/blobs.ts'
import type { Clock } from '../protocol/clock.ts'
import { LedgerAway } from '../protocol/errors.ts'
import type { Heartbeat } from '../protocol/heartbeat.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger, PeerRecord } from '../protocol/ledger.ts'
import { IDLE_POLL_MS } from '../protocol/limits.ts'

export interface StandingOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly clock: Clock
  /** Attempts running now. */
  running(): number
  /** Paused: the machine goes back to its owner now, not when the chunk is done. */
  giveBack(): void
  /** Draining, and nothing runs any more. Called once. */
  drained(): void
  /** The last trial run of its ffmpeg failed. */
  isUnproved(): boolean
  /** Whether somebody else could lead in its place. */
  hasDeputy(): boolean
  /** The disk became full, or has room again. */
  roomChanged(isFull: boolean): void
}

export interface Standing {
  /** The reason against claiming, or null; also what heartbeats say. */
  mayClaim(lane: 'slot' | 'desk'): Promise<Heartbeat['state'] | null>
  /** The reason against leading, or null. Never throws: what the ledger cannot say now is as it was. */
  mayLead(): Promise<string | null>
  state(): Heartbeat['state']
  leave(): void
  /** This peer's record changed: reads it again. */
  look(): Promise<void>
}

/** The record is read again this often when nothing hints. */
const RECORD_MS = 5 * IDLE_POLL_MS

export function createStanding(options: StandingOptions): Standing {
  const { self, ledger, clock } = options
  let record: Pick<PeerRecord, 'paused' | 'draining'> = { paused: false, draining: false }
  let readAt = Number.NEGATIVE_INFINITY
  let state: Heartbeat['state'] = 'idle'
  let isLeaving = false
  let isDrained = false
  let isFull = false
  /** By the own monotonic clock: when a quarantine is over. */
  let quarantinedUntil = Number.NEGATIVE_INFINITY

  async function read(): Promise<void> {
    if (clock.mono() - readAt <= RECORD_MS) return
    const { paused, draining, quarantined_until } = await ledger.peer(self)
    readAt = clock.mono()
    const leftMs = quarantined_until === null ? 0 : quarantined_until - (await ledger.now())
    quarantinedUntil = clock.mono() + leftMs
    if (paused && !record.paused) options.giveBack()
    record = { paused, draining }
  }

  async function hasRoom(): Promise<boolean> {
    return hasRoomFor(0, await options.store.room())
  }

  function checkDrained(): void {
    if (!record.draining || isDrained || options.running() > 0) return
    isDrained = true
    options.drained()
  }

  async function reason(): Promise<Heartbeat['state'] | null> {
    if (isLeaving) return 'leaving'
    await read()
    checkDrained()
    if (record.draining) return 'draining'
    if (record.paused) return 'paused'
    const wasFull = isFull
    isFull = !(await hasRoom())
    if (isFull !== wasFull) options.roomChanged(isFull)
    return isFull ? 'disk_full' : null
  }

  const isQuarantined = (): boolean => clock.mono() < quarantinedUntil

  /** What stands in the way of encoding alone. */
  const encodes = (): Heartbeat['state'] | null =>
    options.isUnproved() ? 'unproved' : isQuarantined() ? 'quarantined' : null

  return {
    async mayClaim(lane) {
      try {
        const against = await reason()
        state = against ?? 'idle'
        return against ?? (lane === 'slot' && isQuarantined() ? 'quarantined' : null)
      } catch (error) {
        if (!(error instanceof LedgerAway)) throw error
        state = 'ledger_away'
        return state
      }
    },
    async mayLead() {
      await read().catch(() => {})
      if (record.draining || record.paused) return record.draining ? 'draining' : 'paused'
      // Leading without an ffmpeg is better than nobody's leading: only merges and cuts wait then.
      if (options.isUnproved() && options.hasDeputy()) return 'its ffmpeg fails its trial run'
      return (await hasRoom().catch(() => true)) ? null : 'disk full'
    },
    state() {
      if (isLeaving) return 'leaving'
      if (state !== 'idle') return state
      return encodes() ?? (options.running() > 0 ? 'working' : 'idle')
    },
    leave() {
      isLeaving = true
    },
    async look() {
      readAt = Number.NEGATIVE_INFINITY
      await read()
      checkDrained()
    },
  }
}

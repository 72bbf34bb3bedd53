/**
 * Whether this peer may work now, and why not: paused or draining by its record in the ledger, short of disk, the ledger away,
 * leaving.
 *
 *   working ── paused ──► gives back what runs, claims nothing ── resumed ──► working
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
}

export interface Standing {
  /** The reason against claiming, or null; also what heartbeats say. */
  mayClaim(): Promise<Heartbeat['state'] | null>
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

  async function read(): Promise<void> {
    if (clock.mono() - readAt <= RECORD_MS) return
    const { paused, draining } = await ledger.peer(self)
    readAt = clock.mono()
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
    return (await hasRoom()) ? null : 'disk_full'
  }

  return {
    async mayClaim() {
      try {
        const against = await reason()
        state = against ?? 'idle'
        return against
      } catch (error) {
        if (!(error instanceof LedgerAway)) throw error
        state = 'ledger_away'
        return state
      }
    },
    async mayLead() {
      await read().catch(() => {})
      if (record.draining || record.paused) return record.draining ? 'draining' : 'paused'
      return (await hasRoom().catch(() => true)) ? null : 'disk full'
    },
    state: () => (isLeaving ? 'leaving' : state === 'idle' && options.running() > 0 ? 'working' : state),
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

/**
 * What the leader does: stamps its term, then runs every duty at each hint or every `DUTY_MS`. A duty that fails is
 * told and tried again at the next round; none of them holds state that the ledger does not have.
 */
import { type Bell, createBell } from '../protocol/bell.ts'
import type { BlobExchange, BlobStore } from '../protocol/blobs.ts'
import type { Capability } from '../protocol/capability.ts'
import type { Clock, Rng } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import type { Hint } from '../protocol/hint.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { DUTY_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { LossReason } from '../protocol/mesh.ts'
import type { PeerTable } from '../protocol/peer-table.ts'
import { createBackup } from './duties/backup.ts'
import { createCollect } from './duties/collect.ts'
import { createFinish } from './duties/finish.ts'
import { createMembership } from './duties/membership.ts'
import { createScale, type ScaleOptions } from './duties/scale.ts'
import { createSweep } from './duties/sweep.ts'
import { createElection, type Election } from './election.ts'

export interface CoordinatorOptions {
  readonly self: PeerId
  readonly host: string
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly peers: PeerTable
  /** What this peer encodes; null where it only coordinates. */
  readonly capability: Capability | null
  /** What others say of lost peers, and this node's own stalls; absent where nobody gossips suspicions. */
  readonly suspicions?: SuspicionSource
  /** How many workers engines may run for this mesh; absent where this leader scales nothing. */
  readonly scaling?: ScaleOptions
  connected(): readonly PeerId[]
  mayLead(): Promise<string | null>
  hint(hint: Omit<Hint, 'v'>): void
}

export interface SuspicionSource {
  /** How many others lost a connection to this life of the peer, lately. */
  reportersOf(peer: PeerId): number
  /** Ms since this node last stood still; null when it has not. */
  stalledAgoMs(): number | null
}

/** One term's work. `round` is called again and again, `lost` when a connection goes. */
export interface Duty {
  readonly name: string
  round(signal: AbortSignal): Promise<void>
}

/** What a duty is given: the coordinator's options and its term. */
export interface TermContext extends CoordinatorOptions {
  readonly term: number
  /** This leader doubts itself: the lease goes back, and it does not run again for a while. */
  resign(reason: string): void
}

export interface Coordinator {
  start(): void
  /** Something changed in the ledger. */
  hint(what: Hint['what']): void
  /** A connection of this peer's own was lost. */
  peerLost(peer: PeerId, why: LossReason): void
  term(): number | null
  stop(): Promise<void>
}

/** A leader that doubted itself does not run for the lease this long. */
const RESIGNED_MS = 30_000

export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { ledger, clock, log, self } = options
  const bell: Bell = createBell(clock)
  let resigned = { until: Number.NEGATIVE_INFINITY, reason: '' }
  let onLost: ((peer: PeerId, why: LossReason) => void) | null = null

  const resign = (reason: string): void => {
    if (clock.mono() < resigned.until) return
    log.warn('resigned', { reason })
    resigned = { until: clock.mono() + RESIGNED_MS, reason }
  }

  const mayLead = async (): Promise<string | null> =>
    clock.mono() < resigned.until ? resigned.reason : await options.mayLead()

  /** Each duty has a loop of its own: a slow fetch holds up nobody's merge. */
  async function rounds(duty: Duty, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await duty.round(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('a duty failed and is tried again', { duty: duty.name, error: sentence(error) })
      })
      await bell.wait(DUTY_MS, signal).catch(() => {})
    }
  }

  async function lead(term: number, signal: AbortSignal): Promise<void> {
    await ledger.stampTerm(term)
    await ledger.addEvent({ what: 'leader', peer: self, video: null, text: `leads, term ${term}` }).catch(() => {})
    const context: TermContext = { ...options, term, resign }
    const membership = createMembership(context)
    onLost = (peer, why) => void membership.lost(peer, why, signal)
    try {
      const duties = [
        createSweep(context),
        membership,
        createFinish(context),
        createCollect(context),
        createBackup(context),
        ...(options.scaling ? [createScale(context, options.scaling)] : []),
      ]
      await Promise.all(duties.map((duty) => rounds(duty, signal)))
    } finally {
      onLost = null
    }
  }

  const election: Election = createElection({
    ...options,
    mayLead,
    lead,
    released: () => options.hint({ what: 'lease', video: null }),
  })

  return {
    start: election.start,
    hint(what) {
      if (what === 'lease') election.hint()
      bell.ring()
    },
    peerLost: (peer, why) => onLost?.(peer, why),
    term: election.term,
    stop: election.stop,
  }
}

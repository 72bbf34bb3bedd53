/**
 * The lease that makes one peer the coordinator, or the one that does other named work of the mesh.
 *
 *   follower ── lease free, acquired (term + 1) ──► leader
 *   leader ── renewed in time ──► leader
 *   leader ── deposed, or own clock passes (last good renewal + LEASE_MS), or duties failed, or released ──► follower
 *
 * Promises: at most one holder per term; a holder stops by its own monotonic clock, counted from when it *sent* the
 * renewal, never by the ledger's dates; a lost lease stops duties, never the attempts that run.
 */

import { type Clock, type Rng, within } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { LeaseName, Ledger } from '../protocol/ledger.ts'
import { LEASE_MS, LEASE_RENEW_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import { createNotifier, type Notifier } from '../protocol/notifier.ts'
import { keepLease, RELEASED, type Won } from './keep-lease.ts'

/** The parts that the election uses. */
export interface ElectionModules {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  /**
   * Runs while this peer leads; its signal aborts when the lease is lost. Must end soon after. Where it ends or fails by
   * itself, the lease is released.
   */
  lead(term: number, signal: AbortSignal): Promise<void>
  /** The reason against leading now (paused, disk full …), or null. Quick; never throws. */
  mayLead(): Promise<string | null>
  /** Publishes `lease` when this peer releases the lease, so that others ask for it at once. */
  readonly hints: Hints
}

/** Longest wait for an unavailable ledger at a graceful stop: the lease expires then. */
const RELEASE_MS = 2_000

/** Runs for the lease and leads, until it is stopped. */
export interface Election {
  /** Idempotent. */
  start(): void
  /** The term that this peer leads in; null where it does not lead. */
  term(): number | null
  /** Releases the lease and waits for the duties to end. Idempotent. */
  stop(): Promise<void>
}

/** Who runs, and for which lease: the leader's by default. */
export interface ElectionOptions {
  readonly self: PeerId
  readonly lease?: LeaseName
}

/** Makes an election that is not started. */
export const createElection = ({ self, lease = 'coordinator' }: ElectionOptions, modules: ElectionModules): Election =>
  new LeaseElection(self, lease, modules)

class LeaseElection implements Election {
  readonly #self: PeerId
  readonly #lease: LeaseName
  readonly #modules: ElectionModules
  readonly #stopping = new AbortController()
  readonly #notifier: Notifier
  #leading: number | null = null
  #running: Promise<void> | null = null
  #unsubscribe = () => {}

  constructor(self: PeerId, lease: LeaseName, modules: ElectionModules) {
    this.#self = self
    this.#lease = lease
    this.#modules = modules
    this.#notifier = createNotifier(modules.clock)
  }

  start = (): void => {
    if (this.#running) return
    this.#unsubscribe = this.#modules.hints.on(['lease'], this.#notifier.notify)
    this.#running = this.#run()
  }

  term = (): number | null => this.#leading

  stop = async (): Promise<void> => {
    const term = this.#leading
    this.#stopping.abort(new DOMException('stopped', 'AbortError'))
    await this.#running
    this.#unsubscribe()
    if (term !== null) await this.#release(term)
  }

  async #run(): Promise<void> {
    const { clock, rng, log } = this.#modules
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const answer = await this.#ask()
        if ('term' in answer) await this.#lead(answer)
        else await this.#notifier.wait(answer.waitMs * (0.9 + 0.2 * rng.random()), signal)
      } catch (error) {
        if (signal.aborted) return
        log.warn('an election round failed; retrying', { error: sentence(error) })
        await clock.sleep(LEASE_RENEW_MS, signal).catch(() => {})
      }
    }
  }

  /** Asks for the lease once; answers the term won, or how long to wait, ms. */
  async #ask(): Promise<Won | { readonly waitMs: number }> {
    const { ledger, clock, rng, mayLead } = this.#modules
    if ((await mayLead()) !== null) return { waitMs: LEASE_MS }
    const nonce = rng.token()
    const sentAt = clock.mono()
    const lease = await ledger.acquireLease(this.#self, nonce, this.#lease)
    if (lease.holder === this.#self && lease.nonce === nonce) return { term: lease.term, sentAt }
    // The lease of an earlier process of this peer expires like any other.
    return { waitMs: Math.min(Math.max(50, lease.remaining_ms), LEASE_RENEW_MS) }
  }

  async #lead(won: Won): Promise<void> {
    const { term } = won
    const lost = new AbortController()
    const over = new AbortController()
    this.#leading = term
    const { log, lead } = this.#modules
    const lease = this.#lease
    log.info('this peer leads', { lease, term })
    const ended = AbortSignal.any([this.#stopping.signal, over.signal])
    const holding = keepLease(won, { self: this.#self, lease }, this.#modules, ended).then((why) => {
      this.#leading = null
      lost.abort(new DOMException(why, 'AbortError'))
      if (why !== 'stopped') log.warn('this peer no longer leads', { lease, term, reason: why })
      return why
    })
    try {
      await lead(term, lost.signal)
    } catch (error) {
      if (!lost.signal.aborted) throw error
    } finally {
      const isHeld = !lost.signal.aborted
      over.abort()
      const why = await holding
      // A peer that cannot do the leader's work must not keep the lease.
      if (isHeld || why.startsWith(RELEASED)) await this.#release(term)
    }
  }

  async #release(term: number): Promise<void> {
    const { ledger, clock, hints } = this.#modules
    const releasing = ledger.releaseLease(this.#self, term, this.#lease)
    const released = await within(clock, RELEASE_MS, releasing).catch(() => 'unchanged')
    if (released === 'changed') hints.publish({ what: 'lease', video: null })
  }
}

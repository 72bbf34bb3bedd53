/**
 * The lease that makes one peer the coordinator.
 *
 *   follower ── lease free, acquired (term + 1) ──► leader
 *   leader ── renewed in time ──► leader
 *   leader ── deposed, or own clock passes (last good renewal + LEASE_MS), or duties failed, or given back ──► follower
 *
 * Promises: at most one holder per term; a holder stops by its own monotonic clock, counted from when it *sent* the
 * renewal, never by the ledger's dates; a lost lease stops duties, never the attempts that run.
 */
import { createBell } from '../protocol/bell.ts'
import { type Clock, type Rng, within } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { LEASE_MS, LEASE_RENEW_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'

export interface ElectionModules {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  /**
   * Runs while this peer leads; its signal aborts when the lease is lost. Must end soon after. Where it ends or fails by
   * itself, the lease is given back.
   */
  lead(term: number, signal: AbortSignal): Promise<void>
  /** Why this peer does not run, or does not go on leading, now (paused, its disk is full …), or null. Quick; never throws. */
  mayLead(): Promise<string | null>
  /** `lease` is published when this peer gives the lease back, and makes others ask for it at once. */
  readonly hints: Hints
}

const GIVEN_BACK = 'given back'

/** A ledger that is away at a graceful stop is not waited for: the lease runs out. */
const RELEASE_MS = 2_000

export interface Election {
  start(): void
  term(): number | null
  /** Gives the lease back and waits for the duties to end. Idempotent. */
  stop(): Promise<void>
}

export function createElection({ self }: { readonly self: PeerId }, modules: ElectionModules): Election {
  const { ledger, clock, rng, log, hints, mayLead } = modules
  const stopping = new AbortController()
  const bell = createBell(clock)
  let leading: number | null = null
  let running: Promise<void> | null = null
  let unsubscribe = () => {}

  /** One try; the answer is the term won, or how long the holder still has. */
  async function ask(): Promise<{ term: number; sentAt: number } | { waitMs: number }> {
    if ((await mayLead()) !== null) return { waitMs: LEASE_MS }
    const nonce = rng.token()
    const sentAt = clock.mono()
    const lease = await ledger.acquireLease(self, nonce)
    if (lease.holder === self && lease.nonce === nonce) return { term: lease.term, sentAt }
    // The lease of an earlier life of this very peer runs out like any other.
    return { waitMs: Math.min(Math.max(50, lease.remaining_ms), LEASE_RENEW_MS) }
  }

  /** Keeps the lease; ends when it is lost or the signal aborts. */
  async function keep(term: number, sentAt: number, signal: AbortSignal): Promise<string> {
    let safeUntil = sentAt + LEASE_MS
    for (;;) {
      await clock.sleep(Math.max(0, Math.min(LEASE_RENEW_MS, safeUntil - clock.mono())), signal).catch(() => {})
      if (signal.aborted) return 'stopped'
      // It may ask the ledger, which is away perhaps.
      const reason = await within(clock, Math.max(0, safeUntil - clock.mono()), mayLead())
      const sent = clock.mono()
      if (reason === 'late' || sent >= safeUntil) return 'not renewed in time'
      if (reason !== null) return `${GIVEN_BACK}: ${reason}`
      const answer = await within(clock, safeUntil - sent, ledger.renewLease(self, term)).catch((error: unknown) =>
        sentence(error),
      )
      if (answer === 'renewed') safeUntil = sent + LEASE_MS
      else if (answer === 'deposed') return 'deposed'
      else log.warn('the lease could not be renewed', { term, why: answer })
    }
  }

  async function lead(term: number, sentAt: number): Promise<void> {
    const lost = new AbortController()
    const over = new AbortController()
    leading = term
    const keeping = keep(term, sentAt, AbortSignal.any([stopping.signal, over.signal])).then((why) => {
      leading = null
      lost.abort(new DOMException(why, 'AbortError'))
      if (why !== 'stopped') log.warn('no longer leading', { term, why })
      return why
    })
    try {
      await modules.lead(term, lost.signal)
    } catch (error) {
      if (!lost.signal.aborted) throw error
    } finally {
      const isHeld = !lost.signal.aborted
      over.abort()
      const why = await keeping
      // Who cannot do a leader's work must not keep others from it.
      if (isHeld || why.startsWith(GIVEN_BACK)) await giveBack(term)
    }
  }

  async function giveBack(term: number): Promise<void> {
    const given = await within(clock, RELEASE_MS, ledger.releaseLease(self, term)).catch(() => 'unchanged')
    if (given === 'changed') hints.publish({ what: 'lease', video: null })
  }

  async function run(): Promise<void> {
    const { signal } = stopping
    while (!signal.aborted) {
      try {
        const answer = await ask()
        if ('term' in answer) await lead(answer.term, answer.sentAt)
        else await bell.wait(answer.waitMs * (0.9 + 0.2 * rng.random()), signal)
      } catch (error) {
        if (signal.aborted) return
        log.warn('the election goes on after an error', { error: sentence(error) })
        await clock.sleep(LEASE_RENEW_MS, signal).catch(() => {})
      }
    }
  }

  return {
    start() {
      if (running) return
      unsubscribe = hints.on(['lease'], bell.ring)
      running = run()
    },
    term: () => leading,
    async stop() {
      const term = leading
      stopping.abort(new DOMException('stopped', 'AbortError'))
      await running
      unsubscribe()
      if (term !== null) await giveBack(term)
    },
  }
}

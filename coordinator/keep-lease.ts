/**
 * Holding a lease that was won: it is renewed until it is lost, by this peer's own monotonic clock, counted from when it *sent* the renewal,
 * never by the ledger's dates.
 */
import { type Clock, type Rng, within } from '../protocol/clock.ts'
import { sentence } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { LeaseName, Ledger } from '../protocol/ledger.ts'
import { LEASE_MS, LEASE_RENEW_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'

/** A lease that was won: its term, and when it was asked for (monotonic ms). */
export interface Won {
  readonly term: number
  readonly sentAt: number
}

/** The peer and its lease. */
export interface LeaseOwner {
  readonly self: PeerId
  readonly lease: LeaseName
}

/** The parts that holding a lease uses. */
export interface KeepLeaseModules {
  readonly ledger: Pick<Ledger, 'renewLease'>
  readonly clock: Clock
  readonly log: Log
  /** The reason against holding it now, or null. */
  mayLead(): Promise<string | null>
}

/** The beginning of the reason of a term's end where the lease is released on purpose. */
export const RELEASED = 'released'

/** Renews the lease until it is lost or the signal aborts; answers the reason. */
export async function keepLease(
  { term, sentAt }: Won,
  { self, lease }: LeaseOwner,
  { ledger, clock, log, mayLead }: KeepLeaseModules,
  signal: AbortSignal,
): Promise<string> {
  let safeUntil = sentAt + LEASE_MS
  for (;;) {
    await clock.sleep(Math.max(0, Math.min(LEASE_RENEW_MS, safeUntil - clock.mono())), signal).catch(() => {})
    if (signal.aborted) return 'stopped'
    // `mayLead` may read the ledger, which may be unavailable.
    const reason = await within(clock, Math.max(0, safeUntil - clock.mono()), mayLead())
    const sent = clock.mono()
    if (reason === 'late' || sent >= safeUntil) return 'not renewed in time'
    if (reason !== null) return `${RELEASED}: ${reason}`
    const asked = ledger.renewLease(self, term, lease)
    const answer = await within(clock, safeUntil - sent, asked).catch((error: unknown) => sentence(error))
    if (answer === 'renewed') safeUntil = sent + LEASE_MS
    else if (answer === 'deposed') return 'another peer holds a newer term'
    else log.warn('the lease could not be renewed', { lease, term, reason: answer })
  }
}

/** The parts that work under a lease uses. */
export interface WithLeaseModules {
  readonly ledger: Pick<Ledger, 'acquireLease' | 'renewLease' | 'releaseLease'>
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
}

/**
 * Takes the lease where it is free, runs `act` while it is held, and releases it. The signal of `act` aborts when the lease is lost or `signal`
 * aborts. False: another peer holds it. Rejects with `LedgerUnavailable` and as `act`, except where the lease was lost meanwhile.
 */
export async function withLease(
  owner: LeaseOwner,
  modules: WithLeaseModules,
  act: (term: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<boolean> {
  const { ledger, clock, rng } = modules
  const { self, lease } = owner
  const [nonce, sentAt] = [rng.token(), clock.mono()]
  const answer = await ledger.acquireLease(self, nonce, lease)
  if (answer.holder !== self || answer.nonce !== nonce) return false
  const { term } = answer
  const [lost, over] = [new AbortController(), new AbortController()]
  const keeping = keepLease({ term, sentAt }, owner, { ...modules, mayLead: async () => null }, over.signal).then(
    (why) => lost.abort(new DOMException(why, 'AbortError')),
  )
  try {
    await act(term, AbortSignal.any([signal, lost.signal]))
  } catch (error) {
    if (!lost.signal.aborted || signal.aborted) throw error
  } finally {
    over.abort()
    await keeping
    // It expires soon in any case.
    await ledger.releaseLease(self, term, lease).catch(() => {})
  }
  return true
}

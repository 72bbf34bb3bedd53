/**
 * The difference between this machine's clock and the ledger's. No decision depends on it, as times inside every compare are the
 * ledger's own; logs, statuses and TLS certificates do.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLOCK_APART_MS } from '../../protocol/limits.ts'

/** The difference between this machine's clock and the ledger's. */
export interface ClockApart {
  /** Ms; positive where this machine is ahead. */
  readonly apartMs: number
  /** What is wrong and what to do; null within the limit. */
  readonly problem: string | null
}

/** Reads the ledger's clock once and compares. Rejects with `LedgerUnavailable`. */
export async function clockApart(ledger: Pick<Ledger, 'now'>, clock: Clock): Promise<ClockApart> {
  const before = clock.now()
  const there = await ledger.now()
  // The ledger read its clock between the two readings here: their mean is the best estimate.
  return compareClocks((before + clock.now()) / 2 - there)
}

/** Whether a difference of clocks (ms) is a problem: beyond `CLOCK_APART_MS`. Pure. */
export function compareClocks(apartMs: number): ClockApart {
  if (Math.abs(apartMs) <= CLOCK_APART_MS) return { apartMs, problem: null }
  const seconds = (Math.abs(apartMs) / 1000).toFixed(1)
  const way = apartMs > 0 ? 'ahead of' : 'behind'
  return {
    apartMs,
    problem: `this machine's clock is ${seconds} s ${way} the ledger's: encoding is not affected, but displayed times are wrong; set up NTP here and on the machine of the database`,
  }
}

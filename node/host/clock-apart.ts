/**
 * How far this host's clock is from the ledger's. Nothing depends on it: times inside every compare are the ledger's own. People
 * who read logs and statuses of several hosts do, and so do TLS certificates and passwords that expire.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLOCK_APART_MS } from '../../protocol/limits.ts'

/** How far this host's clock is from the ledger's. */
export interface ClockApart {
  /** Ms; positive where this host is ahead. */
  readonly apartMs: number
  /** What is wrong and what to do; null within the limit. */
  readonly problem: string | null
}

/** Asks the ledger for its time once. Throws `LedgerUnavailable`. */
export async function clockApart(ledger: Pick<Ledger, 'now'>, clock: Clock): Promise<ClockApart> {
  const before = clock.now()
  const there = await ledger.now()
  // It was read there some time between asking and hearing.
  return judgeClocks((before + clock.now()) / 2 - there)
}

/** Pure. */
export function judgeClocks(apartMs: number): ClockApart {
  if (Math.abs(apartMs) <= CLOCK_APART_MS) return { apartMs, problem: null }
  const seconds = (Math.abs(apartMs) / 1000).toFixed(1)
  const way = apartMs > 0 ? 'ahead of' : 'behind'
  return {
    apartMs,
    problem: `this host's clock is ${seconds} s ${way} the ledger's: no work is at risk, but times that people read will not agree; set up NTP here and on the database's host`,
  }
}

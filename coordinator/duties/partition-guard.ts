/**
 * Decides whether this leader is probably cut off itself, rather than the peers that it does not hear: it then reclaims nothing, and steps
 * down when that lasts.
 */
import { hasLeft, meshSize } from '../../protocol/peer-table.ts'
import type { TermContext } from '../duty.ts'
import { A_MINUTE_MS, detectOwnPartition, JUST_NOW_MS } from '../policy/failure-detector.ts'

/** The parts of the term that the guard uses. */
export type PartitionGuardContext = Pick<TermContext, 'clock' | 'log' | 'peers' | 'suspicions' | 'stepDown'>

/** Detects that this leader may be cut off. */
export interface PartitionGuard {
  /** Whether a partition is suspected now. Logs when it begins, and steps down when it lasts. */
  mayBePartitioned(): boolean
}

/** A suspected partition that lasts this long ends the term. */
const STEP_DOWN_AFTER_MS = 10_000

/** Makes a guard for one term. */
export function createPartitionGuard({
  clock,
  log,
  peers,
  suspicions,
  stepDown,
}: PartitionGuardContext): PartitionGuard {
  let since: number | null = null

  function reasonNow(): string | null {
    const silentMs = (heard: { heard_mono: number }): number => clock.mono() - heard.heard_mono
    const lately = peers
      .all()
      .filter(
        (heard) => silentMs(heard) < A_MINUTE_MS && !hasLeft(heard) && suspicions.sawLost(heard.peer) !== 'closed',
      )
    return detectOwnPartition({
      heardInAMinute: lately.length,
      heardJustNow: lately.filter((heard) => silentMs(heard) < JUST_NOW_MS).length,
      peers: meshSize(peers, clock.mono()),
    })
  }

  return {
    mayBePartitioned() {
      const reason = reasonNow()
      if (reason === null) since = null
      else if (since === null) {
        since = clock.mono()
        log.warn('suspected partition: reclaims are suspended', { reason })
      } else if (clock.mono() - since >= STEP_DOWN_AFTER_MS) stepDown(reason)
      return reason !== null
    },
  }
}

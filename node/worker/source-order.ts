/**
 * Decides which peer takes an ingest task: a coordinator-role peer that has the source, or one that has the encoders for its plan where that has not; after `INGEST_TAKEOVER_MS` the leader, which fetches
 * it; after an attempt with a full disk, a peer with enough space.
 */
import { INGEST_TAKEOVER_MS } from '../../protocol/limits.ts'

/** An ingest task as one peer sees it. */
export interface IngestQuestion {
  /** Ledger time, ms. */
  readonly now: number
  readonly created_at: number
  readonly hasSource: boolean
  readonly leads: boolean
  /** Whether the source fits on this disk; null while no attempt at the task failed with `disk_full`. */
  readonly fits: boolean | null
  /** Who should plan it, where none that has the source has the encoders for its plan; null: one has, or it makes no difference. */
  readonly planner: 'self' | 'other' | null
}

/** Whether the peer takes the task, and why. Pure. */
export function mayTakeIngest({ now, created_at, hasSource, leads, fits, planner }: IngestQuestion): {
  take: boolean
  reason: string
} {
  if (planner === 'other') return { take: false, reason: 'another coordinator has the encoders for its plan' }
  if (hasSource) return { take: true, reason: 'the source is here' }
  if (fits !== null)
    return {
      take: fits,
      reason: fits ? 'the source was too large for another disk, and fits here' : 'the source does not fit here',
    }
  if (planner === 'self') return { take: true, reason: 'the encoders for its plan are here' }
  if (!leads) return { take: false, reason: 'the source is elsewhere' }
  const waited = now - created_at >= INGEST_TAKEOVER_MS
  return {
    take: waited,
    reason: waited ? 'the peer with the source did not claim it' : 'the peer with the source comes first',
  }
}

/** Who takes an ingest task: a coordinator-role peer that has the source; after a while the leader, which fetches it. */
import { INGEST_TAKEOVER_MS } from '../../protocol/limits.ts'

export interface IngestQuestion {
  /** Ledger time, ms. */
  readonly now: number
  readonly created_at: number
  readonly hasSource: boolean
  readonly leads: boolean
}

export function mayTakeIngest({ now, created_at, hasSource, leads }: IngestQuestion): {
  take: boolean
  reason: string
} {
  if (hasSource) return { take: true, reason: 'the source is here' }
  if (!leads) return { take: false, reason: 'the source is elsewhere' }
  const waited = now - created_at >= INGEST_TAKEOVER_MS
  return { take: waited, reason: waited ? 'its source peer did not take it' : 'its source peer comes first' }
}

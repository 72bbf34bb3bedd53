/** What the ledger holds of a peer. */
import type { PeerId } from './ids.ts'

/** The state of a peer that people (paused, draining) or the leader (quarantined) have set. */
export interface PeerRecord {
  _id: PeerId
  paused: boolean
  draining: boolean
  /** Ledger time, ms; null where it never was quarantined. It stays after its end: failures before it no longer count. */
  quarantined_until: number | null
  /** Quarantines in a row, without a completed task in between: each lasts longer. */
  quarantines: number
  reason: string | null
  /** Audits of its results that agreed since it joined, or since its last wrong result: see `AUDITED_FIRST`. */
  audits_agreed: number
}

const UNDECIDED = {
  paused: false,
  draining: false,
  quarantined_until: null,
  quarantines: 0,
  reason: null,
  audits_agreed: 0,
}
/** The record of a peer that is neither paused, draining nor quarantined. */
export const initialPeer = (id: PeerId): PeerRecord => ({ _id: id, ...UNDECIDED })

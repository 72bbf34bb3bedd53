/** The record of an engine in the ledger. */
import type { PeerId } from './ids.ts'

/** An engine that runs containers or processes, and how many workers the leader wants there. */
export interface EngineRecord {
  /** The engine's own id. */
  _id: string
  /** Number of workers that the leader wants there. */
  wanted: number
  /** The leader's reason for that number, for people. */
  reason: string | null
  /** Peers that reach it, at most `ENGINE_PEERS_MAX`, newest last. The present one with the smallest id owns it. */
  peers: PeerId[]
  coordinator_term: number
}

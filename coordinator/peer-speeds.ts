/** The speeds of peers, each measured from its own heartbeats. What none has shown is that of all peers together, at first an assumed one. */
import { type Calibration, calibrate, calibrationOf } from '../fleet/scaling/scaling-speed.ts'
import type { RunningAttempt } from '../protocol/heartbeat.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import { type Length, renditionsIn } from './plan-lengths.ts'

/** The speeds that were measured. */
export interface PeerSpeeds {
  /** Takes the speeds of running attempts in; those of peers that are not among these are forgotten. */
  measure(peers: ReadonlyMap<PeerId, readonly RunningAttempt[]>, lengths: ReadonlyMap<VideoId, Length>): void
  /** `said`: those that the peer has measured itself, before this one has seen it encode. */
  of(peer: PeerId, said?: Readonly<Record<string, number>>): Calibration
}

/** Makes it, with nothing measured. */
export function createPeerSpeeds(): PeerSpeeds {
  let all: Calibration = new Map()
  const each = new Map<PeerId, Calibration>()
  return {
    measure(peers, lengths) {
      const renditionOf = renditionsIn(lengths)
      all = calibrate(all, [...peers.values()], renditionOf)
      for (const peer of each.keys()) if (!peers.has(peer)) each.delete(peer)
      for (const [peer, running] of peers)
        each.set(peer, calibrate(each.get(peer) ?? new Map(), [running], renditionOf))
    },
    of: (peer, said = {}) => new Map([...all, ...calibrationOf(said), ...(each.get(peer) ?? [])]),
  }
}

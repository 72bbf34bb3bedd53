/** The peers that may hold replicas, as the leader sees the mesh now: itself and all present peers. */
import { presentPeers, takesWork } from '../protocol/peer-table.ts'
import type { Video } from '../protocol/video.ts'
import type { TermContext } from './duty.ts'
import type { ReplicaCandidate } from './policy/replication.ts'

/** The peers that may hold replicas of a video, this leader first. */
export function replicaCandidates(
  { self, host, peers, clock }: Pick<TermContext, 'self' | 'host' | 'peers' | 'clock'>,
  video: Pick<Video, 'deliveries'>,
): ReplicaCandidate[] {
  const others = presentPeers(peers, clock.mono()).map(({ peer, beat }): ReplicaCandidate => {
    const takes = takesWork(beat) || beat.state === 'paused'
    return { peer, host: beat.host, takes, rank: rankOf(beat.roles.includes('coordinator'), wants(video, peer)) }
  })
  return [{ peer: self, host, takes: true, rank: rankOf(true, wants(video, self)) }, ...others]
}

const wants = (video: Pick<Video, 'deliveries'>, peer: string): boolean =>
  video.deliveries.some((delivery) => delivery.peer === peer && delivery.done_at === null)
/** Peers with an open delivery first, then those with the coordinator role: a worker may be stopped by the fleet at any time. */
const rankOf = (coordinates: boolean, isOwner: boolean): number => (isOwner ? 2 : 0) + (coordinates ? 1 : 0)

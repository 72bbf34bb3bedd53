/** Which machines may be switched off: where the blobs are that the rest of a video needs. Pure. */
import { commonHolders, heldBy } from '../../coordinator/policy/replication.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { REPLICAS } from '../../protocol/limits.ts'
import { machinesOf } from '../../protocol/machine.ts'
import type { Held } from '../../protocol/status.ts'
import { isUndelivered, type Video } from '../../protocol/video.ts'

/** The peers that hold the blobs, their machines, and whether any one machine may be lost. */
export function heldOf(video: Video, present: readonly { peer: PeerId; host: string }[]): Omit<Held, 'text'> {
  const isDone = video.status === 'COMPLETED'
  const holders = isDone ? commonHolders(video.outputs) : video.source.holders
  const hosts = machinesOf(heldBy(holders, present)).size
  const isDelivered = isDone && !isUndelivered(video)
  return {
    peers: present.map(({ peer }) => peer).filter((peer) => holders.includes(peer)),
    hosts,
    may_leave: hosts >= REPLICAS || isDelivered,
  }
}

/** What may be switched off: where the bytes lie that the rest of a video depends on. Pure. */
import { commonHolders, heldBy } from '../../coordinator/policy/replication.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { REPLICAS } from '../../protocol/limits.ts'
import { machinesOf } from '../../protocol/machine.ts'
import { isUndelivered, type Video } from '../../protocol/video.ts'

/** Who has, now, what the rest depends on: the source of an open video, the results of a COMPLETED one. */
export interface Held {
  /** Peers that are here. */
  readonly peers: readonly PeerId[]
  /** Different machines among them. */
  readonly hosts: number
  /** Whether any one of them may go without loss: two have it, or everything is delivered. */
  readonly may_leave: boolean
}

export function heldOf(video: Video, present: readonly { peer: PeerId; host: string }[]): Held {
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

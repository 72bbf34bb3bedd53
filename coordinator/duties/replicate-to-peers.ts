/**
 * Replicates results and sources to a second machine: a hint asks a peer there to fetch what only one machine has. A source once its first
 * chunks are cut, as these come first on a slow network; results before their video is COMPLETED (`finish` waits for that), and afterwards
 * while a delivery is open. The hint may be lost or ignored: after `REPLICA_REQUEST_MS` another peer is asked.
 */
import { type PeerId, type TaskId, taskId, type VideoId } from '../../protocol/ids.ts'
import { kindFacts, resultKinds } from '../../protocol/kinds.ts'
import { DUTY_MS, REPLICA_REQUEST_MS } from '../../protocol/limits.ts'
import { createPace } from '../../protocol/pace.ts'
import { presentPeers } from '../../protocol/peer-table.ts'
import { remember } from '../../protocol/remember.ts'
import type { Video } from '../../protocol/video.ts'
import type { Duty, TermContext } from '../duty.ts'
import { commonHolders, decideReplication } from '../policy/replication.ts'
import { replicaCandidates } from '../replica-candidates.ts'

const ASKS_REMEMBERED = 10_000
/** Interval of the check of sources and open deliveries; results of MERGING videos are checked in every round. */
const LOOK_MS = 4 * DUTY_MS

/** The parts of the term that this duty uses. */
export type ReplicateToPeersContext = Pick<
  TermContext,
  'self' | 'host' | 'openVideos' | 'ledger' | 'clock' | 'log' | 'hints' | 'peers' | 'undelivered'
>

/** The duty that asks peers for replicas, for one term. */
export function createReplicateToPeers(context: ReplicateToPeersContext): Duty {
  const { ledger, clock, hints, log, undelivered } = context
  /** The peer that was asked last for each source or task, and when (monotonic ms). */
  const asked = new Map<string, { peer: PeerId; at: number }>()
  const pace = createPace(clock, LOOK_MS)
  const reader = context.openVideos.reader()
  const merging = new Set<VideoId>()

  /** Asks a peer for a replica where one is needed. `task`: the one with the results as outputs; null for the source. */
  function ask(video: Video, task: TaskId | null, holders: readonly PeerId[]): void {
    const what = task === null ? 'source' : 'results'
    const key = task ?? `${video._id}/source`
    const decision = decideReplication(holders, replicaCandidates(context, video))
    if (decision.is === 'enough') return void asked.delete(key)
    const before = asked.get(key)
    if (before && clock.mono() - before.at < REPLICA_REQUEST_MS) return
    // The candidate after the last one, cyclically.
    const peer = decision.from[(decision.from.indexOf(before?.peer as PeerId) + 1) % decision.from.length]
    if (!peer) return
    remember(asked, key, { peer, at: clock.mono() }, ASKS_REMEMBERED)
    log.info('asked a peer to replicate', { what, video: video._id, peer, reason: decision.reason })
    hints.publish({ what: 'copy', video: video._id, task, peer })
  }

  async function look(video: Video): Promise<void> {
    // Alone in the mesh this leader has nobody to ask.
    if (presentPeers(context.peers, clock.mono()).length === 0) return
    const makers = resultKinds(video.recipe).map((kind) => taskId(video._id, kind))
    if (video.status === 'COMPLETED') {
      for (const id of makers) ask(video, id, commonHolders(video.outputs))
      return
    }
    for (const id of video.status === 'MERGING' ? makers : []) {
      const task = await ledger.task(id)
      if (task?.status === 'COMPLETED') ask(video, id, commonHolders(task.outputs))
    }
    ask(video, null, video.source.holders)
  }

  return {
    name: 'replicate_to_peers',
    async round(signal) {
      const isDue = pace.isDue()
      await reader.look(merging, async ({ videos, counts, isAll }) => {
        merging.clear()
        for (const video of videos) {
          if (signal.aborted) return
          const isCut = (counts.get(video._id) ?? []).some(({ kind }) => !kindFacts(kind).createsTasks)
          if (video.status === 'MERGING') merging.add(video._id)
          if (video.status === 'MERGING' || (video.status === 'RUNNING' && isCut && (isDue || !isAll)))
            await look(video)
        }
      })
      if (!isDue) return
      pace.looked(context.openVideos.count())
      for (const video of await undelivered()) if (!signal.aborted) await look(video)
    },
  }
}

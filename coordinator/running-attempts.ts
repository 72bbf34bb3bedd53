/** What the leader knows of running attempts: from the ledger how long each runs, from heartbeats its progress, from completed tasks the time of a new one. */
import type { VideoId } from '../protocol/ids.ts'
import { kindsWhere } from '../protocol/kinds.ts'
import type { Task } from '../protocol/task.ts'
import type { TermContext } from './duty.ts'
import type { RunningAttemptView } from './policy/straggler.ts'

/** Number of COMPLETED tasks of a video from which the time of a new attempt is estimated: its first ones, in all renditions. */
const SAMPLE = 120

/** Views of the first attempt at each of these PROCESSING tasks, at this time of the ledger. Rejects with `LedgerUnavailable`. */
export type AttemptViews = (tasks: readonly Task[], now: number) => Promise<RunningAttemptView[]>

/** Makes the views for one term. */
export function createAttemptViews({ ledger, peers }: Pick<TermContext, 'ledger' | 'peers'>): AttemptViews {
  /** Median ms per frame of each rendition, over COMPLETED tasks of this video: the estimate for a new attempt. */
  async function msPerFrame(video: VideoId): Promise<(resolution: string) => number | null> {
    const kinds = kindsWhere(({ backedUp }) => backedUp)
    const done = await ledger.tasks({ video, kinds, statuses: ['COMPLETED'], limit: SAMPLE })
    const byRendition = Map.groupBy(done, ({ resolution }) => resolution)
    // Renditions of one chunk mostly share an ffmpeg: for one without a completed task the median of all is close.
    return (resolution) => medianRate(byRendition.get(resolution) ?? done)
  }

  return async (tasks, now) => {
    const rates = new Map<VideoId, (resolution: string) => number | null>()
    for (const video of new Set(tasks.map((task) => task.video_id))) rates.set(video, await msPerFrame(video))
    return tasks.flatMap((task) => {
      const claim = task.claims[0]
      // The backoff of a failed backup also delays the next backup.
      if (!claim || task.not_before > now) return []
      const beat = peers.get(claim.worker_id)?.beat
      const heard = beat?.running.find((each) => each.task === task._id && each.attempt === claim.attempt)
      const rate = rates.get(task.video_id)?.(task.resolution) ?? null
      return [
        {
          task: task._id,
          // The newest, which is not the claim's own where a backup has ended: what the ledger compares.
          attempt: task.attempt,
          worker: claim.worker_id,
          slot: `${claim.worker_id}/${task.video_id}/${task.chunk_id}`,
          elapsedMs: now - (task.start_time ?? now),
          done: heard?.done ?? null,
          isUnlisted: heard === undefined && (beat?.unlisted ?? 0) > 0,
          freshMs: rate === null ? null : rate * task.frames,
          isBackup: claim.speculative,
          isBacked: task.claims.length > 1 || task.backup_wanted,
        },
      ]
    })
  }
}

function medianRate(done: readonly Task[]): number | null {
  const rates = done
    .flatMap(({ duration_ms, frames }) => (duration_ms && frames ? [duration_ms / frames] : []))
    .sort((a, b) => a - b)
  return rates[Math.floor(rates.length / 2)] ?? null
}

/**
 * Wants backup attempts at stragglers while slots are idle. Another worker claims them; the first attempt to complete wins, the other is
 * superseded and stops. Progress comes from heartbeats and may be wrong: a wrong decision costs only a second attempt.
 */
import { type PeerId, type VideoId, videoOf } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import { presentPeers, takesWork } from '../../protocol/peer-table.ts'
import type { Task } from '../../protocol/task.ts'
import type { Duty, TermContext } from '../duty.ts'
import { pickBackups, type RunningAttemptView } from '../policy/straggler.ts'

/** Number of COMPLETED tasks of a video from which the time of a new attempt is estimated: its first ones, in all renditions. */
const SAMPLE = 120

/** The parts of the term that this duty uses. */
export type BackupContext = Pick<TermContext, 'ledger' | 'clock' | 'term' | 'emit' | 'hints' | 'peers'>

/** The duty that wants backup attempts, for one term. */
export function createBackup(context: BackupContext): Duty {
  const { ledger, clock, term, emit } = context

  function idleSlots(): { idle: Map<PeerId, number>; slots: number } {
    const live = presentPeers(context.peers, clock.mono()).filter(({ beat }) => takesWork(beat))
    const idle = new Map(live.map(({ peer, beat }) => [peer, Math.max(0, beat.slots - beat.busy)]))
    return { idle, slots: live.reduce((sum, { beat }) => sum + beat.slots, 0) }
  }

  /** Median ms per frame of each rendition, over COMPLETED tasks of this video: the estimate for a new attempt. */
  async function msPerFrame(video: VideoId): Promise<(resolution: string) => number | null> {
    const kinds = kindsWhere(({ backedUp }) => backedUp)
    const done = await ledger.tasks({ video, kinds, statuses: ['COMPLETED'], limit: SAMPLE })
    const byRendition = Map.groupBy(done, ({ resolution }) => resolution)
    // Renditions of one chunk mostly share an ffmpeg: for one without a completed task the median of all is close.
    return (resolution) => medianRate(byRendition.get(resolution) ?? done)
  }

  async function views(tasks: readonly Task[], now: number): Promise<RunningAttemptView[]> {
    const rates = new Map<VideoId, (resolution: string) => number | null>()
    for (const video of new Set(tasks.map((task) => task.video_id))) rates.set(video, await msPerFrame(video))
    return tasks.flatMap((task) => {
      const claim = task.claims[0]
      // The backoff of a failed backup also delays the next backup.
      if (!claim || task.not_before > now) return []
      const beat = context.peers.get(claim.worker_id)?.beat
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
          isBacked: task.claims.length > 1 || task.backup_wanted,
        },
      ]
    })
  }

  return {
    name: 'backup',
    async round() {
      const { idle, slots } = idleSlots()
      if ([...idle.values()].every((count) => count === 0)) return
      const kinds = kindsWhere(({ backedUp }) => backedUp)
      const running = await ledger.tasks({ kinds, statuses: ['PROCESSING'] })
      if (running.length === 0) return
      const late = { running: await views(running, await ledger.now()), idle, slots }
      // The number of PENDING tasks is read only where there is a straggler.
      if (pickBackups({ ...late, pending: 0 }).length === 0) return
      // Audits give way to backups.
      const encodes = kindsWhere(({ slots, audits }) => slots === 'encode' && !audits)
      const pending = (await ledger.tasks({ kinds: encodes, statuses: ['PENDING'], limit: 1 })).length
      const wanted = pickBackups({ ...late, pending })
      for (const { task, attempt, reason } of wanted) {
        if ((await ledger.wantBackup(task, { attempt, term })) !== 'changed') continue
        context.hints.publish({ what: 'tasks', video: null })
        await emit({ code: 'backup_wanted', video: videoOf(task), task, reason })
      }
    },
  }
}

function medianRate(done: readonly Task[]): number | null {
  const rates = done
    .flatMap(({ duration_ms, frames }) => (duration_ms && frames ? [duration_ms / frames] : []))
    .sort((a, b) => a - b)
  return rates[Math.floor(rates.length / 2)] ?? null
}

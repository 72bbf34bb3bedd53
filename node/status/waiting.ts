/** The tasks that failed and wait for their next attempt, one for each video. Why a video stands still is in `stillness.ts`. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { VideoRow } from '../../protocol/status.ts'
import { describeTask, type Failure, type Task } from '../../protocol/task.ts'
import { isOpen, type Video } from '../../protocol/video.ts'
import { type NamedPeer, waitingText } from './sentences.ts'

/** How long a failure without a strike is shown after its backoff is over: such a task is tried every few seconds. */
const SHOWN_MS = 30_000

/** What waits, by video. Rejects with `LedgerUnavailable`. */
export async function waitingOf(
  videos: readonly Video[],
  peers: readonly NamedPeer[],
  ledger: Pick<Ledger, 'tasks' | 'now'>,
): Promise<ReadonlyMap<VideoId, NonNullable<VideoRow['waiting']>>> {
  const open = new Set(videos.filter(({ status }) => isOpen(status)).map(({ _id }) => _id))
  if (open.size === 0) return new Map()
  const [only] = open.size === 1 ? open : []
  const tried = await ledger.tasks({ statuses: ['PENDING'], tried: true, ...(only && { video: only }) })
  const failed = tried.filter((task) => open.has(task.video_id) && task.failures.length > 0)
  if (failed.length === 0) return new Map()
  const now = await ledger.now()
  const waiting = failed.filter((task) => isWaiting(task, now))
  return new Map(
    [...Map.groupBy(waiting, ({ video_id }) => video_id)].map(([video, tasks]) => {
      const task = tasks.reduce((most, each) => (each.failures.length > most.failures.length ? each : most))
      return [video, rowOf(task, now, peers)]
    }),
  )
}

const lastOf = ({ failures }: Task): Failure => failures.at(-1)!

/** A retried video has its failures still, but no strikes. */
const isWaiting = (task: Task, now: number): boolean =>
  task.strikes.length > 0 || task.not_before > now || now - lastOf(task).at < SHOWN_MS

function rowOf(task: Task, now: number, peers: readonly NamedPeer[]): NonNullable<VideoRow['waiting']> {
  const { code, message, worker_id: worker } = lastOf(task)
  const { _id, attempt, not_before } = task
  const text = waitingText({ what: describeTask(task), worker, reason: message, inMs: not_before - now }, peers)
  return { task: _id, code, reason: message, worker, attempts: attempt, next_try_at: not_before, text }
}

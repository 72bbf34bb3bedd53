/** The attempts at a task, as far as its document tells: those that run, failed, were reclaimed with a strike, and the one that was committed. Pure. */
import {
  type AttemptPage,
  type AttemptRow,
  type AttemptsQuery,
  attemptPlaceIn,
  cursorAfterAttempt,
} from '../../protocol/api-attempts.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { encodeText } from '../../protocol/settings-text.ts'
import type { PlannedRendition } from '../../protocol/status-encodes.ts'
import type { Task } from '../../protocol/task.ts'

/** The attempts at a task by number. `renditions`: those of its video. */
export function attemptRowsOf(task: Task, renditions: readonly PlannedRendition[]): AttemptRow[] {
  const rendition = kindFacts(task.kind).scope === 'chunk' && renditions.find(({ id }) => id === task.resolution)
  const same = {
    task: task._id,
    kind: task.kind,
    resolution: task.resolution,
    chunk: task.chunk_id,
    encode: rendition ? encodeText(rendition) : null,
  }
  return Array.from({ length: task.attempt }, (_, at) => ({ ...same, attempt: at + 1, ...endOf(task, at + 1) }))
}

type End = Omit<AttemptRow, 'task' | 'kind' | 'resolution' | 'chunk' | 'encode' | 'attempt'>

const NOTHING = { peer: null, backup: null, started_at: null, ended_at: null, cause: null, message: null, log: null }

function endOf(task: Task, attempt: number): End {
  const { claims, failures, strikes, completed_attempt, status } = task
  // A backup attempt leaves the time of the first one as it is.
  const started_at = attempt === task.attempt && !claims.some((one) => one.speculative) ? task.start_time : null
  const claim = claims.find((one) => one.attempt === attempt)
  if (claim) return { ...NOTHING, started_at, end: 'running', peer: claim.worker_id, backup: claim.speculative }
  if (status === 'COMPLETED' && completed_attempt === attempt)
    return {
      ...NOTHING,
      started_at: task.start_time,
      ended_at: task.end_time,
      end: 'completed',
      peer: task.worker_id,
      backup: task.speculative,
    }
  const failure = failures.find((one) => one.attempt === attempt)
  if (failure) {
    const { worker_id: peer, at: ended_at, code: cause, message, log } = failure
    return { ...NOTHING, started_at, ended_at, end: 'failed', peer, cause, message, log }
  }
  const strike = strikes.find((one) => one.attempt === attempt)
  if (strike) return { ...NOTHING, started_at, end: 'reclaimed', peer: strike.worker_id, cause: strike.code }
  // It ran beside the one that was completed first.
  const isBackup = status === 'COMPLETED' && completed_attempt !== null && attempt > completed_attempt
  return { ...NOTHING, end: 'dropped', backup: isBackup || null }
}

/** A page of the attempts at these tasks, which are those of one video by rank and id. */
export function attemptPage(
  tasks: readonly Task[],
  renditions: readonly PlannedRendition[],
  { limit, cursor }: Pick<AttemptsQuery, 'limit' | 'cursor'>,
): AttemptPage {
  const from = attemptPlaceIn(cursor)
  const attempts: AttemptRow[] = []
  let next: string | null = null
  for (const task of tasks) {
    const { rank, _id } = task
    if (from !== null && (rank < from.rank || (rank === from.rank && _id < from.task))) continue
    for (const row of attemptRowsOf(task, renditions)) {
      if (from !== null && rank === from.rank && _id === from.task && row.attempt <= from.attempt) continue
      if (attempts.length === limit) return { attempts, next }
      attempts.push(row)
      next = cursorAfterAttempt({ rank, task: _id, attempt: row.attempt })
    }
  }
  return { attempts, next: null }
}

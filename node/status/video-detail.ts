/** One video, and its tasks, as the API shows them: the ledger's documents without what only the program needs, such as tokens. */
import { placeOf } from '../../protocol/claim-order.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { encodeText } from '../../protocol/settings-text.ts'
import type { TaskRow, VideoDetail, VideoRow } from '../../protocol/status.ts'
import type { PlannedRendition } from '../../protocol/status-encodes.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'

/** The row of a video with what a snapshot of many leaves out. */
export function detailOf({ recipe, source, plan, due, created_at, ended_at }: Video, row: VideoRow): VideoDetail {
  const { sha256, bytes, holders } = source
  return { ...row, recipe, source: { sha256, bytes, holders }, plan, due: placeOf(due, created_at).place, ended_at }
}

/** A task as the API shows it. `renditions`: those of its video. */
export function taskRowOf(task: Task, renditions: readonly PlannedRendition[]): TaskRow {
  const rendition = kindFacts(task.kind).scope === 'chunk' && renditions.find(({ id }) => id === task.resolution)
  const { _id, kind, resolution, chunk_id, status, frames, worker_id, attempt, completed_attempt } = task
  return {
    id: _id,
    kind,
    resolution,
    chunk: chunk_id,
    status,
    frames,
    encode: rendition ? encodeText(rendition) : null,
    worker: worker_id,
    attempt,
    completed_attempt,
    started_at: task.start_time,
    ended_at: task.end_time,
    claims: task.claims.map(({ attempt, worker_id, speculative, expires_at }) => ({
      attempt,
      worker: worker_id,
      backup: speculative,
      expires_at,
    })),
    failures: task.failures.map(({ attempt, worker_id, code, message, at }) => ({
      attempt,
      worker: worker_id,
      code,
      message,
      at,
    })),
    reclaims: task.strikes.filter(({ attempt }) => attempt !== undefined).length,
    backup: backupOf(task),
  }
}

/** What became of the backup attempt of a task. */
function backupOf({ status, claims, speculative, attempt, completed_attempt }: Task): TaskRow['backup'] {
  if (claims.some((claim) => claim.speculative)) return 'running'
  if (status !== 'COMPLETED' || completed_attempt === null) return null
  // A later attempt than the one that was completed first can only have run beside it.
  return speculative ? 'won' : completed_attempt < attempt ? 'lost' : null
}

/** The schema of a task, and of the parts of tasks that are read by themselves. */
import { type TaskId, videoOf } from '../../protocol/ids.ts'
import type { Counts, ObservedClaim, Outcome } from '../../protocol/ledger.ts'
import {
  type AuditState, type Claim, type Failure, type Strike, TASK_STATUSES, type Task, type TaskInput, type TaskOutput,
} from '../../protocol/task.ts' // biome-ignore format: a list of words
import { type Fields, list, nullable, object, oneOf, optional } from './check.ts'
import {
  artifact, count, flag, heldBlob, integer, LIST_MAX, partName, peerId, sha256, taskClass, taskId, text, timeBase, token, videoId, word,
} from './values.ts' // biome-ignore format: a list of words

const AUDITS = [
  'undecided',
  'none',
  'chosen',
  'agreed',
  'unsettled',
  'refuted',
] as const satisfies readonly AuditState[]
/** Most claims, strikes or failures of a task: more than any peer writes. */
const RECORDS_MAX = 100

const claim = {
  attempt: count,
  worker_id: peerId,
  token,
  speculative: flag,
  expires_at: integer,
} satisfies Fields<Claim>

const failure = object({
  attempt: count,
  worker_id: peerId,
  code: word,
  message: text,
  log: nullable(sha256),
  at: integer,
} satisfies Fields<Failure>)

const input = object({
  ...heldBlob,
  start_pts: integer,
  end_pts: integer,
  time_base: timeBase,
} satisfies Fields<TaskInput>)

const fields = {
  _id: taskId,
  kind: partName,
  class: taskClass,
  video_id: videoId,
  chunk_id: count,
  resolution: partName,
  status: oneOf(TASK_STATUSES),
  worker_id: nullable(peerId),
  start_time: nullable(integer),
  end_time: nullable(integer),
  duration_ms: nullable(integer),
  attempt: count,
  speculative: flag,
  output_path: nullable(text),
  created_at: integer,
  start_pts: integer,
  end_pts: integer,
  time_base: timeBase,
  frames: count,
  input: nullable(input),
  output: nullable(object({ ...heldBlob, es_sha256: optional(sha256) } satisfies Fields<TaskOutput>)),
  outputs: list(artifact, LIST_MAX),
  claims: list(object(claim), RECORDS_MAX),
  claimable_at: integer,
  completed_attempt: nullable(count),
  coordinator_term: count,
  strikes: list(
    object({ code: word, worker_id: peerId, attempt: optional(count) } satisfies Fields<Strike>),
    RECORDS_MAX,
  ),
  failures: list(failure, RECORDS_MAX),
  backup_wanted: flag,
  not_before: integer,
  priority: integer,
  due: integer,
  rank: count,
  audit: oneOf(AUDITS),
  not_by: list(peerId, RECORDS_MAX),
} satisfies Fields<Task>

/** A document of the collection `chunks`. */
export const taskSchema = object(fields, (task) => {
  const { _id, video_id } = task as { _id: TaskId; video_id: string }
  return videoOf(_id) === video_id ? null : 'video_id is another than in its id'
})

const { _id, kind, worker_id, end_time, failures, resolution, status } = fields

/** The schema of an `Outcome`. */
export const outcomeSchema = object({ _id, kind, worker_id, end_time, failures } satisfies Fields<Outcome>)

/** The schema of a row of `Counts`. */
export const countSchema = object({ kind, resolution, status, count } satisfies Fields<Counts[number]>)

const { speculative: _, ...observed } = claim

/** The schema of an `ObservedClaim`. */
export const observedClaimSchema = object({ ...observed, task: _id } satisfies Fields<ObservedClaim>)

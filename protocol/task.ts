/**
 * A task: the unit that is claimed. One document in `chunks`; the field names `video_id … created_at` are those of the
 * system this one replaces.
 *
 * | from                              | event       | to                                    | who, and the compare                    |
 * |-----------------------------------|-------------|---------------------------------------|-----------------------------------------|
 * | PENDING                           | claim       | PROCESSING                            | a worker of its class; `not_before` past |
 * | PROCESSING, all claims expired    | claim       | PROCESSING                            | the same                                |
 * | PROCESSING, backup_wanted, 1 claim| claim       | PROCESSING, 2 claims                  | any *other* worker                      |
 * | PROCESSING                        | renew       | PROCESSING                            | own attempt still in `claims`; no clock |
 * | PROCESSING                        | complete    | COMPLETED                             | the same; others get *superseded*       |
 * | PROCESSING                        | list_parts  | PROCESSING                            | own attempt still in `claims`; their paths as listed |
 * | PROCESSING                        | fail        | PENDING, PROCESSING with another claim| the same; strike where the code counts  |
 * | PROCESSING                        | release     | PENDING, PROCESSING with another claim| the same; no strike, no backoff         |
 * | PROCESSING                        | reclaim     | PENDING, PROCESSING with another claim| newest term; token and expires_at as read |
 * | PROCESSING, 1 claim               | want_backup | PROCESSING                            | newest term; `attempt` as read          |
 * | PENDING                           | strikes_full| FAILED                                | newest term; strikes as read            |
 * | COMPLETED                         | lost        | PENDING                               | newest term; the blob as read           |
 * | COMPLETED                         | mark_audit  | COMPLETED                             | newest term; attempt and `audit` as read|
 * | PENDING                           | recut       | PENDING                               | `input.sha256` is the lost one          |
 * | PENDING, PROCESSING               | cancel      | CANCELLED                             | its video is ended (COMPLETED: by sweep)|
 * | FAILED, CANCELLED                 | retry       | PENDING, strikes cleared, attempt kept| its video is retried                    |
 */
import type { Artifact } from './artifact.ts'
import type { HeldBlob } from './blobs.ts'
import type { FailureCode } from './errors.ts'
import { type PeerId, type Sha256, type TaskId, type Token, taskId, type VideoId } from './ids.ts'
import { type KindName, kindFacts, kindsWhere } from './kinds.ts'
import type { RenditionId } from './rendition.ts'
import type { Video } from './video.ts'

/** Every status of a task. */
export const TASK_STATUSES = ['PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const
/** One of `TASK_STATUSES`. */
export type TaskStatus = (typeof TASK_STATUSES)[number]

/** A transition of a task: the second column of the table above. */
export type TaskEvent =
  | 'claim'
  | 'renew'
  | 'list_parts'
  | 'complete'
  | 'fail'
  | 'release'
  | 'reclaim'
  | 'want_backup'
  | 'strikes_full'
  | 'lost'
  | 'mark_audit'
  | 'recut'
  | 'cancel'
  | 'retry'

/** The table above as data; adapters and the reference model are tested against it. */
export const TASK_TRANSITIONS: readonly { from: TaskStatus; event: TaskEvent; to: readonly TaskStatus[] }[] = [
  { from: 'PENDING', event: 'claim', to: ['PROCESSING'] },
  { from: 'PROCESSING', event: 'claim', to: ['PROCESSING'] },
  { from: 'PROCESSING', event: 'renew', to: ['PROCESSING'] },
  { from: 'PROCESSING', event: 'list_parts', to: ['PROCESSING'] },
  { from: 'PROCESSING', event: 'complete', to: ['COMPLETED'] },
  { from: 'PROCESSING', event: 'fail', to: ['PENDING', 'PROCESSING'] },
  { from: 'PROCESSING', event: 'release', to: ['PENDING', 'PROCESSING'] },
  { from: 'PROCESSING', event: 'reclaim', to: ['PENDING', 'PROCESSING'] },
  { from: 'PROCESSING', event: 'want_backup', to: ['PROCESSING'] },
  { from: 'PENDING', event: 'strikes_full', to: ['FAILED'] },
  { from: 'COMPLETED', event: 'lost', to: ['PENDING'] },
  { from: 'COMPLETED', event: 'mark_audit', to: ['COMPLETED'] },
  { from: 'PENDING', event: 'recut', to: ['PENDING'] },
  { from: 'PENDING', event: 'cancel', to: ['CANCELLED'] },
  { from: 'PROCESSING', event: 'cancel', to: ['CANCELLED'] },
  { from: 'FAILED', event: 'retry', to: ['PENDING'] },
  { from: 'CANCELLED', event: 'retry', to: ['PENDING'] },
]

/**
 * What is known of the honesty of a COMPLETED task (coordinator/policy/audits.ts): `undecided` until the leader has drawn whether it is
 * audited; then `none`, or `chosen` until an encode by another peer has been compared: `agreed`, or `unsettled` where nobody could decide
 * between different results. `refuted`: an audit whose own result was the wrong one.
 */
export type AuditState = 'undecided' | 'none' | 'chosen' | 'agreed' | 'unsettled' | 'refuted'

/** A worker's expiring right to run an attempt. */
export interface Claim {
  attempt: number
  worker_id: PeerId
  token: Token
  speculative: boolean
  /** Ledger time, ms. */
  expires_at: number
}

/** The cut of a chunk: its blob, and its range of presentation times in its own time base. */
export interface TaskInput extends HeldBlob {
  start_pts: number
  end_pts: number
  /** `1/15360`, as ffmpeg writes it. */
  time_base: string
}

/** The main file that an attempt made. */
export interface TaskOutput extends HeldBlob {
  /** The elementary stream alone: equal for every honest attempt at an H.264 task. Absent for audio. */
  es_sha256?: Sha256
}

/** A failure that counts against the task, and the worker that had it. */
export interface Strike {
  code: FailureCode
  worker_id: PeerId
  /** The number of the attempt that a reclaim ended. Absent from older peers, and where the failure itself is recorded. */
  attempt?: number
}

/** How an attempt failed, for people. */
export interface Failure {
  attempt: number
  worker_id: PeerId
  code: FailureCode
  message: string
  /** The end of ffmpeg's log, as a blob that the worker holds; null where there was none. */
  log: Sha256 | null
  /** Ledger time, ms. */
  at: number
}

/** A task as the ledger stores it. Times are ms since 1970 by the ledger's clock. */
export interface Task {
  _id: TaskId
  kind: KindName
  /** What a worker must be capable of (capability.ts); of a task without a chunk its kind. */
  class: string
  video_id: VideoId
  chunk_id: number
  /** The rendition's id for a task of a chunk, else the kind. The name of the field is that of the former system. */
  resolution: RenditionId | KindName
  status: TaskStatus
  /** The worker of the newest attempt; once COMPLETED, of the committed one. */
  worker_id: PeerId | null
  start_time: number | null
  end_time: number | null
  duration_ms: number | null
  /** The number of the newest attempt. It only rises: the fencing token of the result. */
  attempt: number
  speculative: boolean
  /** `<resolution>/<00042>.mp4`, as the former system's users query it. */
  output_path: string | null
  created_at: number
  start_pts: number
  end_pts: number
  time_base: string
  frames: number
  /** The blob to work on; null for tasks without one (ingest, merge). */
  input: TaskInput | null
  output: TaskOutput | null
  /** Files that it made: results of the video, what other tasks need, or parts while it runs (`KindFacts.outputs`). */
  outputs: Artifact[]
  claims: Claim[]
  /** The latest expiry of its claims. A field of its own, as no index serves a comparison with the dates of an array. */
  claimable_at: number
  completed_attempt: number | null
  coordinator_term: number
  strikes: Strike[]
  failures: Failure[]
  backup_wanted: boolean
  /** The audit of the present result: `undecided` again once the output is lost. */
  audit: AuditState
  /** Peers that may not claim it: an audit is never run by a peer, or on a machine, that has given a result of the same task. */
  not_by: PeerId[]
  not_before: number
  /** The priority of the video: an integer, the highest is claimed first. `IDLE_PRIORITY` until it is urgent: after everything else. */
  priority: number
  /** See `taskDue`, ms since 1970: of equal priority the earliest is claimed first. */
  due: number
  /** Position among the tasks of its video (`rankOf`): claims go by priority, due, rank. */
  rank: number
}

/** A task to insert, with the fields of `Task`; `initialTask` sets the others. */
export interface NewTask {
  _id: TaskId
  kind: KindName
  class: string
  video_id: VideoId
  chunk_id: number
  resolution: Task['resolution']
  start_pts: number
  end_pts: number
  time_base: string
  frames: number
  input: TaskInput | null
  /** As in `Task`; absent: none. */
  not_by?: PeerId[]
  /** As in `Task`: an integer, or `IDLE_PRIORITY`. */
  priority: number
  /** As in `Task`, ms since 1970. */
  due: number
  /** As in `Task`: a position. */
  rank: number
}

/** Which tasks to read: those to which every given condition applies, and of these the first `limit` in order. */
export interface TaskQuery {
  video?: VideoId
  /** Tasks of these videos, in place of one; at most `VIDEOS_ASKED_AT_ONCE`. */
  videos?: readonly VideoId[]
  kinds?: readonly KindName[]
  statuses?: readonly TaskStatus[]
  /** PROCESSING tasks that this worker holds a claim on. */
  worker?: PeerId
  /** Restricts to tasks that were claimed before: a PENDING one with strikes or failures always was. */
  tried?: true
  /** Restricts to tasks with an input that none of these peers holds; at most `PRESENT_ASKED_MAX`. */
  heldByNoneOf?: readonly PeerId[]
  /** States of `audit`, of which the task has one. */
  audits?: readonly AuditState[]
  limit?: number
}

/** A task as it is inserted: PENDING, and claimable from `at` on (ledger time, ms). `term`: that of the lease. */
export function initialTask(task: NewTask, at: number, term: number): Task {
  return {
    ...task,
    status: 'PENDING',
    worker_id: null,
    start_time: null,
    end_time: null,
    duration_ms: null,
    attempt: 0,
    speculative: false,
    output_path: null,
    created_at: at,
    output: null,
    outputs: [],
    claims: [],
    claimable_at: at,
    completed_attempt: null,
    coordinator_term: term,
    strikes: [],
    failures: [],
    backup_wanted: false,
    audit: 'undecided',
    not_by: task.not_by ?? [],
    not_before: at,
  }
}

/** The task of a kind that has one task per video; its `due` is `taskDue`. */
export const wholeVideoTask = (
  video: Pick<Video, '_id' | 'priority' | 'due' | 'created_at'>,
  kind: KindName,
): NewTask => ({
  _id: taskId(video._id, kind),
  kind,
  class: kind,
  video_id: video._id,
  chunk_id: 0,
  resolution: kind,
  start_pts: 0,
  end_pts: 0,
  time_base: '1/1',
  frames: 0,
  input: null,
  priority: video.priority,
  due: taskDue(video, kind),
  rank: 0,
})

/** When a task of this kind is due, ms since 1970: with its video, or at the submit. */
export const taskDue = (video: Pick<Video, 'due' | 'created_at'>, kind: KindName): number =>
  kindFacts(kind).dueFrom === 'plan' ? video.due : dueFromSubmit(video)

/** When a task that does not wait for the plan is due, ms since 1970: at the submit, or with its video where that is earlier. */
export const dueFromSubmit = ({ due, created_at }: Pick<Video, 'due' | 'created_at'>): number =>
  Math.min(due, created_at)

/** The tasks of one per video that a video in its present state must have. */
export const requiredTasks = (
  video: Pick<Video, '_id' | 'priority' | 'due' | 'created_at' | 'status' | 'recipe'>,
): NewTask[] =>
  kindsWhere(({ requiredIn, wantedBy }) => requiredIn.includes(video.status) && wantedBy(video.recipe)).map((kind) =>
    wholeVideoTask(video, kind),
  )

/** A task for people: `chunk 3 at 720p`, or its kind. */
export const describeTask = ({ kind, chunk_id, resolution }: Pick<Task, 'kind' | 'chunk_id' | 'resolution'>): string =>
  kindFacts(kind).scope === 'chunk'
    ? `${kindFacts(kind).audits ? 'the audit of ' : ''}chunk ${chunk_id} at ${resolution}`
    : kind

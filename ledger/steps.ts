/**
 * What an adapter of the ledger implements: reads, and writes that are each one atomic statement. `ledgerFromSteps` makes the contract of
 * `protocol/ledger.ts` out of them, so that two-write events, read-backs and the sweep exist once.
 *
 * Promises: every write is one compare-and-set by the ledger's own time and answers whether the compare held; transient
 * errors have been retried for `retryMs` before `LedgerUnavailable` is thrown; after an error whose effect is unknown the step
 * has read back by token or `_id` before it answers.
 */

import type { HeldBlob } from '../protocol/blobs.ts'
import type { FailureCode } from '../protocol/errors.ts'
import type { PeerId, Sha256, TaskId, Token, VideoId } from '../protocol/ids.ts'
import type { KeptRequests } from '../protocol/kept-request.ts'
import type {
  EngineRecord,
  Lease,
  LeaseName,
  LedgerEvent,
  ObservedClaim,
  Outcome,
  PeerRecord,
  Progress,
  VideoQuery,
} from '../protocol/ledger.ts'
import type { EventQuery, NewEvent } from '../protocol/ledger-event.ts'
import type { Plan } from '../protocol/plan.ts'
import type { SharedSource } from '../protocol/shared-folder.ts'
import type { AuditState, Failure, NewTask, Task, TaskInput, TaskStatus } from '../protocol/task.ts'
import type { Delivery, DeliveryKey, Video, VideoStatus } from '../protocol/video.ts'
import type { WebhookDeliveries, WebhookOutcome } from '../protocol/webhook-delivery.ts'
import type { UnfitVideo } from './check-documents.ts'

/** One transition of a video, as data: what to compare and what to write. */
export interface VideoMove {
  from: readonly VideoStatus[]
  to: VideoStatus | 'same'
  /** A coordinator's write: matches `coordinator_term ≤ term` and sets it. */
  term?: number
  /** Compare: whether the video has a plan. */
  plan?: 'absent' | 'present'
  /** Compare: at least one delivery is open. */
  openDelivery?: true
  set?: Partial<Pick<Video, 'plan' | 'due' | 'deadline' | 'priority' | 'outputs' | 'failure'>>
}

/** How an attempt ends without a result. `failure: null` is a release: no failure, no strike, no backoff. */
export interface AttemptEnd {
  task: TaskId
  attempt: number
  worker: PeerId
  failure: Omit<Failure, 'at'> | null
  strike: FailureCode | null
  backoff_ms: number
}

/** The result of an attempt to write. */
export interface Completion {
  task: TaskId
  attempt: number
  worker: PeerId
  output: Task['output']
  /** Undefined leaves the stored ones. */
  outputs: Task['outputs'] | undefined
  output_path: string | null | undefined
}

/** Parts to list for an attempt; `instead`: in place of those that are listed. */
export interface ListedParts {
  task: TaskId
  attempt: number
  worker: PeerId
  /** At least one. */
  parts: Task['outputs']
  instead: boolean
}

/** The worker that asks for a claim, and the token of the claim. */
export interface ClaimAsk {
  worker: PeerId
  token: Token
  /** Present peers: only tasks without an input are claimed, and those whose input one of them holds. Absent, whoever holds it. */
  present?: readonly PeerId[]
}
/** Which tasks `claimNext` may claim. */
export type ClaimSource = 'pending' | 'expired' | 'backup'
/** What `claimNext` is asked: the first task of these classes, of any video but `except`; `unstruck`: without a strike of this worker. */
export interface NextAsk extends ClaimAsk {
  classes: readonly string[]
  except?: readonly VideoId[]
  unstruck?: boolean
  from: ClaimSource
}
/** The states in which `claimTask` may claim its task. */
export type TaskClaimSource = 'pending' | 'free' | 'backup'
/** A claim that was made: the task as it then was, and the number of the attempt. */
export interface Claimed {
  attempt: number
  task: Task
}

/** A quarantine to write. */
export interface Quarantine {
  /** Length from now, ms. */
  ms: number
  /** Number of quarantines in a row, this one included. */
  quarantines: number
  reason: string
  /** Compare: `quarantined_until` as it was read, ms; null without one. */
  seen: number | null
}

/** The priority and due that the open tasks of a video must have. */
export interface Alignment {
  video: VideoId
  /** An integer. */
  priority: number
  /** Due of tasks of the `planned` kinds, ms since 1970. */
  due: number
  /** Due of tasks of all other kinds, unknown ones too, ms since 1970. */
  dueOthers: number
  /** Kinds that are due with their video. */
  planned: readonly string[]
}

/** A note of a lease to write; null removes it. Compare: no higher term wrote it. */
export interface Note {
  lease: LeaseName
  key: string
  text: string | null
  term: number
}

/** The peer's deliveries into a folder; with `name`, only the one of that name; `term` as in `DeliveryKey`. */
export type Finished = Pick<DeliveryKey, 'peer' | 'dir' | 'term'> & { name?: string }

/** What a submit adds to an existing video. */
export interface Join {
  holders: readonly PeerId[]
  /** Replaces what is there; null leaves it. */
  shared: SharedSource | null
  delivery: Delivery | null
  /** Names that the delivery may have. */
  names: readonly string[]
  /** Endpoints of its webhooks: those that are there stay. */
  webhooks: readonly string[]
}

/**
 * The statements of an adapter. All reject with `LedgerUnavailable`. Methods without a comment do what the method of that name in
 * `Ledger` does, and answer whether the compare held.
 */
export interface Steps {
  open(): Promise<void>
  close(): Promise<void>
  readonly description: string
  now(): Promise<number>
  /** The videos with a document that did not fit its schema, of the reads since the last call. */
  takeUnfit(): UnfitVideo[]

  /** Inserts the video where its `_id` is new (created_at and, without a deadline, due are the ledger's time); true when it was. */
  insertVideo(video: Video): Promise<boolean>
  /** Adds to the video; where a delivery of the same peer and folder, or shared place, has one of `names`, that one is opened again. */
  joinVideo(id: VideoId, join: Join): Promise<void>
  video(id: VideoId): Promise<Video | null>
  videos(query: VideoQuery): Promise<Video[]>
  countVideos(statuses: readonly VideoStatus[]): Promise<Map<VideoStatus, number>>
  undeliveredVideos(): Promise<Video[]>
  moveVideo(id: VideoId, move: VideoMove): Promise<boolean>
  nameDelivery(id: VideoId, delivery: DeliveryKey, name: string): Promise<boolean>
  finishDelivery(id: VideoId, delivery: Finished): Promise<boolean>
  addVideoHolder(id: VideoId, sha256: Sha256, peer: PeerId): Promise<boolean>
  removeSourceHolder(id: VideoId, sha256: Sha256, peer: PeerId): Promise<boolean>
  insertPlan(id: VideoId, sha256: Sha256, plan: Plan): Promise<void>
  plan(id: VideoId, sha256: Sha256): Promise<Plan | null>

  /** Inserts at most `INSERT_BATCH` tasks, with the present term of the lease. Answers how many were new. */
  insertTasks(tasks: readonly NewTask[]): Promise<number>
  task(id: TaskId): Promise<Task | null>
  /** Tasks of one status: those of one video by rank and `_id`, else by `_id`. */
  tasks(query: {
    status: TaskStatus
    video?: VideoId
    /** In place of one video; by `_id`. */
    videos?: readonly VideoId[]
    kinds?: readonly Task['kind'][]
    worker?: PeerId
    tried?: true
    heldByNoneOf?: readonly PeerId[]
    audits?: readonly AuditState[]
    limit?: number
  }): Promise<Task[]>
  progress(videos: readonly VideoId[]): Promise<Progress>
  /** `since`: ms, ledger time. */
  completedSince(since: number): Promise<VideoId[]>
  outcomes(limit: number): Promise<Outcome[]>
  claimableClasses(): Promise<string[]>
  claimNext(ask: NextAsk): Promise<Claimed | null>
  claimTask(ask: ClaimAsk & { task: TaskId; from: TaskClaimSource }): Promise<Claimed | null>
  claimsByToken(token: Token): Promise<Task[]>
  renew(
    worker: PeerId,
    attempts: readonly { task: TaskId; attempt: number }[],
  ): Promise<{ task: TaskId; attempt: number }[]>
  complete(done: Completion): Promise<boolean>
  listParts(listed: ListedParts): Promise<boolean>
  endAttempt(end: AttemptEnd): Promise<boolean>
  claimsOf(worker: PeerId): Promise<ObservedClaim[]>
  /** Ends these exact claims; with `term` as a coordinator's write. Answers the tasks that changed. */
  endSeenClaims(
    claims: readonly ObservedClaim[],
    options: { term: number | null; strike: FailureCode | null },
  ): Promise<TaskId[]>
  wantBackup(id: TaskId, options: { attempt: number; term: number }): Promise<boolean>
  failTask(id: TaskId, options: { strikes: number; term: number }): Promise<boolean>
  /** COMPLETED → PENDING; `completed_attempt: null` compares only the status. */
  loseOutput(id: TaskId, options: { completed_attempt: number | null; term: number }): Promise<boolean>
  /** At most `INSERT_BATCH` tasks. Answers how many changed. */
  markAudits(
    tasks: readonly { task: TaskId; attempt: number }[],
    change: { from: AuditState; to: AuditState; term: number },
  ): Promise<number>
  urgeIdleTasks(video: VideoId, change: { priority: number; term: number }): Promise<number>
  recut(id: TaskId, lost: Sha256, input: TaskInput): Promise<boolean>
  addTaskHolder(id: TaskId, sha256: Sha256, peer: PeerId): Promise<boolean>
  removeInputHolder(id: TaskId, sha256: Sha256, peer: PeerId): Promise<boolean>
  /** Makes every PENDING or PROCESSING task of the video CANCELLED. Answers how many. */
  cancelTasks(video: VideoId): Promise<number>
  /** Makes the tasks of the video in these statuses PENDING, with strikes cleared. Answers how many. */
  reviveTasks(video: VideoId, from: readonly ('FAILED' | 'CANCELLED')[]): Promise<number>
  /** Removes all plans and tasks of the video. */
  removeWork(video: VideoId): Promise<void>
  /** Removes the document of the video where it does not fit its schema. */
  removeUnfitVideo(id: VideoId): Promise<void>
  /** Sets the priority (an integer) of the open tasks of a video, except of those with `IDLE_PRIORITY`. */
  prioritizeTasks(video: VideoId, priority: number): Promise<number>

  acquireLease(me: PeerId, nonce: string, name: LeaseName): Promise<Lease>
  renewLease(me: PeerId, term: number, name: LeaseName): Promise<boolean>
  releaseLease(me: PeerId, term: number, name: LeaseName): Promise<boolean>
  lease(name: LeaseName): Promise<Lease>
  setNote(note: Note): Promise<boolean>
  notes(lease: LeaseName): Promise<ReadonlyMap<string, string>>
  /** Writes `term` on open and undelivered videos, on all their tasks, and on waiting webhook deliveries, where theirs is lower. Answers how many changed. */
  stampTerm(term: number): Promise<number>
  /** Writes priority, due and term of these videos' open tasks, where they differ, except of those with `IDLE_PRIORITY`. Answers how many changed. */
  alignTasks(align: readonly Alignment[], term: number): Promise<number>
  /** Videos with a task that is PENDING or PROCESSING. */
  videosWithOpenTasks(): Promise<VideoId[]>

  addMember(id: PeerId, ms: number): Promise<void>
  beginRequest: KeptRequests['beginRequest']
  endRequest(end: Parameters<KeptRequests['endRequest']>[0]): Promise<boolean>
  addWebhooks: WebhookDeliveries['addWebhooks']
  webhook: WebhookDeliveries['webhook']
  webhooks: WebhookDeliveries['webhooks']
  dueWebhooks: WebhookDeliveries['dueWebhooks']
  settleWebhook(id: string, outcome: WebhookOutcome): Promise<boolean>
  resendWebhook(id: string): Promise<boolean>
  removeOldWebhooks: WebhookDeliveries['removeOldWebhooks']
  members(): Promise<PeerId[]>
  peers(): Promise<PeerRecord[]>
  peer(id: PeerId): Promise<PeerRecord | null>
  setPeer(id: PeerId, change: Partial<Omit<PeerRecord, '_id'>>): Promise<void>
  /** As in `Ledger`, but changes only a record that exists. */
  quarantine(id: PeerId, period: Quarantine): Promise<boolean>
  engines(): Promise<EngineRecord[]>
  addEnginePeer(engine: string, peer: PeerId): Promise<boolean>
  removeEnginePeer(engine: string, peer: PeerId): Promise<boolean>
  setWanted(engine: string, change: { wanted: number; reason: string; term: number }): Promise<boolean>
  addEvent(event: NewEvent): Promise<void>
  events(limit: number, query: EventQuery): Promise<LedgerEvent[]>
  /** `n`: number of an event. */
  eventsAfter(n: number, limit: number): Promise<LedgerEvent[]>
}

/** The holders of a blob, the newest last, each once, at most `HOLDERS_MAX`. */
export type Holders = HeldBlob['holders']

type StepName = Exclude<keyof Steps, 'description'>
type StepFunction<Store, Step extends (...given: never[]) => unknown> = (
  store: Store,
  ...given: Parameters<Step>
) => ReturnType<Step>

/** The steps of an adapter, each with the adapter's store before its own parameters. */
export type StepFunctions<Store> = { readonly [Name in StepName]: StepFunction<Store, Steps[Name]> }

/** The steps of one store. `description`: as in `Ledger`. */
export function bindSteps<Store>(functions: StepFunctions<Store>, store: Store, description: string): Steps {
  type Bindable = (store: Store, ...given: never[]) => unknown
  const bound = Object.entries<Bindable>(functions).map(([name, step]) => [name, step.bind(null, store)])
  return { ...(Object.fromEntries(bound) as Omit<Steps, 'description'>), description }
}

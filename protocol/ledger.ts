/**
 * The ledger: the durable truth about videos, tasks, peers and leases. Adapters: `ledger/mongo/` and `ledger/sqlite/`, both pass `conformance/ledger.ts`.
 *
 * Promises
 * - Every transition is one atomic compare-and-set; none reads and then writes. Two-write events are named as such: `sweep` repairs the second.
 * - Time inside a compare is the ledger's own (MongoDB: `$$NOW`; SQLite, which is one machine: the injected Clock).
 * - Every method answers a tagged result for what may be expected. An error is `LedgerUnavailable` (unknown whether it happened:
 *   read back by token or id) or a bug. Adapters retry transient errors themselves within `retryMs` of the options.
 * - A coordinator's write takes its `term`: it matches only documents with `coordinator_term ≤ term` and sets it.
 * - Ids, strings and documents given by workers are data, never operators.
 */
import type { Artifact } from './artifact.ts'
import type { HeldBlob } from './blobs.ts'
import type { EngineRecord } from './engine-record.ts'
import type { FailureCode } from './errors.ts'
import type { PeerId, Sha256, TaskId, Token, VideoId } from './ids.ts'
import type { KeptRequests } from './kept-request.ts'
import type { Lease, LeaseName } from './lease.ts'
import type { EventQuery, LedgerEvent, NewEvent } from './ledger-event.ts'
import type { PeerRecord } from './peer-record.ts'
import type { Plan } from './plan.ts'
import type { Submission } from './submission.ts'
import type { AuditState, NewTask, Task, TaskInput, TaskOutput, TaskQuery } from './task.ts'
import type { Progress } from './task-counts.ts'
import type { Delivery, DeliveryKey, Video, VideoQuery, VideoStatus } from './video.ts'
import type { WebhookDeliveries } from './webhook-delivery.ts'

/** The result of a claim: the whole task as it was then; the worker's own claim is the one with its token. */
export type ClaimOutcome = { outcome: 'claimed'; attempt: number; task: Task } | { outcome: 'none' }
/** The result of a write about an attempt. `done`: written. `superseded`: the attempt is no longer among the claims; its work is dropped. */
export type AttemptOutcome = 'done' | 'superseded'
/** Whether a compare-and-set matched and changed a document. */
export type Changed = 'changed' | 'unchanged'

/** A claim as it was when a suspicion began: reclaim ends it only where it is still equal. */
export interface ObservedClaim {
  task: TaskId
  attempt: number
  worker_id: PeerId
  token: Token
  expires_at: number
}

/** A COMPLETED task: which worker completed it and when, and the failures before. */
export type Outcome = Pick<Task, '_id' | 'kind' | 'worker_id' | 'end_time' | 'failures'>

/**
 * The ledger of a mesh. Every method rejects with `LedgerUnavailable` (the head of this file has all promises). Unless noted, times and
 * durations are ms by the ledger's own clock. Where a document does not exist, a read answers null or an empty list, and a change `unchanged`.
 * `term` is the term of the caller's lease, `limit` the largest number of results.
 */
export interface Ledger extends KeptRequests, WebhookDeliveries {
  /** Creates the schema and indexes that are missing; many peers may call it at once. Rejects with `UsageError` where the database cannot be used. */
  open(): Promise<void>
  close(): Promise<void>
  /** Kind and address of the database, for people; without credentials. */
  readonly description: string
  /** The ledger's clock, ms. */
  now(): Promise<number>

  // ── Videos ────────────────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Two writes (video, then its ingest task). An existing open or COMPLETED one gains the source's holders and the
   * delivery (one of that peer or shared place, folder and name is opened again); a FAILED or CANCELLED one is retried.
   */
  submit(video: Submission): Promise<{ outcome: 'created' | 'joined' | 'retried'; video: Video }>
  video(id: VideoId): Promise<Video | null>
  /** Videos by created_at and `_id`, newest last; with `limit` only the newest, at the cost of these where `statuses` are given. */
  videos(query?: VideoQuery): Promise<Video[]>
  /** How many videos there are of each of these statuses, at the cost of counting them; a status without any is absent. */
  countVideos(statuses: readonly VideoStatus[]): Promise<Map<VideoStatus, number>>
  /** COMPLETED ones with an open delivery, newest last. Its cost does not grow with the delivered ones. */
  undeliveredVideos(): Promise<Video[]>
  /** QUEUED → PLANNING, by the attempt that holds the ingest task. */
  startPlanning(id: VideoId): Promise<Changed>
  /**
   * QUEUED, PLANNING → RUNNING with this `due` (ms since 1970), where the video has no plan; the plan document is inserted first.
   * `lost`: another attempt committed its plan, which is answered. `closed`: the video is not open.
   */
  commitPlan(plan: Plan, due: number): Promise<{ outcome: 'committed' | 'lost'; plan: Plan } | { outcome: 'closed' }>
  plan(id: VideoId, sha256: Sha256): Promise<Plan | null>
  /** RUNNING → MERGING. The caller has checked that all tasks of the plan are COMPLETED. */
  startMerging(id: VideoId, term: number): Promise<Changed>
  /** MERGING → COMPLETED with these outputs. */
  completeVideo(id: VideoId, outputs: readonly Artifact[], term: number): Promise<Changed>
  /** COMPLETED with an open delivery → MERGING, its outputs emptied, and its merge task PENDING. Two writes. */
  reopenVideo(id: VideoId, term: number): Promise<Changed>
  /** Open → FAILED with `failure`, then its tasks CANCELLED. Two writes. */
  failVideo(id: VideoId, failure: string, term: number): Promise<Changed>
  /** Open → CANCELLED, then its tasks. Two writes. */
  cancel(id: VideoId): Promise<Changed>
  /** FAILED, CANCELLED → RUNNING or QUEUED; its tasks first. Two writes. */
  retry(id: VideoId): Promise<Changed>
  /** Sets the priority (an integer, the highest first) of the video, then of its open tasks. Two writes. */
  setPriority(id: VideoId, priority: number): Promise<Changed>
  /** Sets when an open video is wanted, ms since 1970; null: at no time. The leader orders it anew. */
  setDeadline(id: VideoId, deadline: number | null): Promise<Changed>
  /** Sets the key of an open video in the order of claims (claim-order.ts), then of its open tasks. Two writes. */
  setDue(id: VideoId, change: { due: number; term: number }): Promise<Changed>
  /** Fixes the file name of a delivery while it is open (compare: the old name). With the old name and a term it only writes the term. */
  nameDelivery(id: VideoId, delivery: DeliveryKey, name: string): Promise<Changed>
  /** The peer's open deliveries into this folder are done; with `name`, only the one of that name. */
  finishDelivery(
    id: VideoId,
    delivery: Pick<DeliveryKey, 'peer' | 'dir' | 'term'> & { name?: string },
  ): Promise<Changed>
  /** Adds a holder to the source or a result, keeping at most `HOLDERS_MAX`, newest last. */
  addVideoHolder(id: VideoId, sha256: Sha256, peer: PeerId): Promise<Changed>
  /** Removes a holder that lacks the source. There may be none left: one that sees it again adds itself. */
  removeSourceHolder(id: VideoId, sha256: Sha256, peer: PeerId): Promise<Changed>

  // ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** Idempotent by `_id`. Tasks get the lease's term as it was read just before. In batches of `INSERT_BATCH`. */
  insertTasks(tasks: readonly NewTask[]): Promise<{ inserted: number }>
  task(id: TaskId): Promise<Task | null>
  /** Tasks by video, rank and `_id`. */
  tasks(query: TaskQuery): Promise<Task[]>
  progress(videos: readonly VideoId[]): Promise<Progress>
  /** The videos of tasks that became COMPLETED at `since` or later; some again where a task ended in that ms. Its cost grows with those tasks only. */
  completedSince(since: number): Promise<VideoId[]>
  /** The COMPLETED tasks that ended last, newest first: they show whether a peer or a task is the cause of failures. */
  outcomes(limit: number): Promise<Outcome[]>
  /** Classes with at least one task that may be claimed now: PENDING, all claims expired, or a backup wanted. */
  pendingClasses(): Promise<string[]>
  /**
   * Claims the first task by priority, due, rank, `_id`, of these classes, not of the videos `except` and not with this
   * worker in `not_by`, in one compare-and-set. `backup`: only tasks of other workers; `unstruck`: without a strike of this one. `present`: only tasks without an input, and those whose input one of these
   * peers holds, at most `PRESENT_ASKED_MAX`; absent, whoever holds it.
   */
  claimNext(ask: {
    worker: PeerId
    token: Token
    classes: readonly string[]
    except?: readonly VideoId[]
    unstruck?: boolean
    present?: readonly PeerId[]
    from: 'pending' | 'expired' | 'backup'
  }): Promise<ClaimOutcome>
  /** Claims this task, unless `not_by` names this worker. `free`: PENDING or with all claims expired. `backup`: a backup is wanted, and another worker has the claim. `present`: as in `claimNext`. */
  claimTask(ask: {
    worker: PeerId
    token: Token
    task: TaskId
    present?: readonly PeerId[]
    from: 'pending' | 'free' | 'backup'
  }): Promise<ClaimOutcome>
  /** Tasks that were claimed with this token, where the reply to the claim was lost. */
  claimsByToken(token: Token): Promise<Task[]>
  /** Extends the claims by `claimMs`, in one bulk write. Answers the attempts whose claims have ended. */
  renew(
    worker: PeerId,
    attempts: readonly { task: TaskId; attempt: number }[],
  ): Promise<{ lost: { task: TaskId; attempt: number }[] }>
  /** PROCESSING → COMPLETED. Where the compare fails it reads back by `_id`: `done` also when an earlier call for the same attempt had committed. */
  complete(done: {
    task: TaskId
    attempt: number
    worker: PeerId
    output: TaskOutput | null
    outputs?: Task['outputs']
    output_path?: string | null
  }): Promise<AttemptOutcome>
  /**
   * Lists parts of what a running attempt makes as outputs of its task, behind those that are listed: none of their paths may be. With `instead`
   * they replace all that are listed, whose paths must be among theirs: only an attempt that makes other bytes than one before does that, once
   * it has come as far. Where the compare fails it reads back: `done` also when they are listed already.
   */
  listParts(listed: {
    task: TaskId
    attempt: number
    worker: PeerId
    parts: Task['outputs']
    instead: boolean
  }): Promise<AttemptOutcome>
  /** Ends the claim and adds a failure, a strike where `strike` is true, and `not_before = now + backoff_ms`. */
  fail(failed: {
    task: TaskId
    attempt: number
    worker: PeerId
    code: FailureCode
    message: string
    log: Sha256 | null
    strike: boolean
    backoff_ms: number
  }): Promise<AttemptOutcome>
  /** Ends the claim without failure or strike. */
  release(given: { task: TaskId; attempt: number; worker: PeerId }): Promise<AttemptOutcome>
  /** Claims of a worker on PROCESSING tasks, expired ones included. */
  claimsOf(worker: PeerId): Promise<ObservedClaim[]>
  /** Ends those of these claims that are still equal. Answers the tasks that changed. `strike` adds one by that code. */
  reclaim(claims: readonly ObservedClaim[], options: { term: number; strike: FailureCode | null }): Promise<TaskId[]>
  /** Ends those of these claims that are still equal, for a restarted worker and its earlier process: no term, no strike. */
  releaseClaims(claims: readonly ObservedClaim[]): Promise<TaskId[]>
  /** Sets `backup_wanted` of a task that is PROCESSING with one claim, while `attempt` (that of the claim or of an ended backup) is its newest. */
  wantBackup(id: TaskId, options: { attempt: number; term: number }): Promise<Changed>
  /** PENDING → FAILED while it has as many strikes as were read. */
  failTask(id: TaskId, options: { strikes: number; term: number }): Promise<Changed>
  /** COMPLETED → PENDING while its output (ingest: any of its outputs or inputs) is as read: `attempt` is the committed one. */
  loseOutput(id: TaskId, options: { completed_attempt: number; term: number }): Promise<Changed>
  /** Sets `audit` of those of these COMPLETED tasks that still have the state `from`, and this attempt committed. Answers how many. */
  markAudits(
    tasks: readonly { task: TaskId; attempt: number }[],
    change: { from: AuditState; to: AuditState; term: number },
  ): Promise<{ marked: number }>
  /** Gives the open tasks of the video that have `IDLE_PRIORITY` this one. Answers how many. */
  urgeIdleTasks(id: VideoId, change: { priority: number; term: number }): Promise<{ urged: number }>
  /** Replaces the lost input of a PENDING task. */
  recut(id: TaskId, lost: Sha256, input: TaskInput): Promise<Changed>
  /** Adds a holder to the input, output or artifact of the task with this hash. */
  addTaskHolder(id: TaskId, sha256: Sha256, peer: PeerId): Promise<Changed>
  /** Removes a holder that lacks these bytes from the input of a PENDING or PROCESSING task. Where none is left the input is lost: it is cut again. */
  removeInputHolder(id: TaskId, sha256: Sha256, peer: PeerId): Promise<Changed>

  // ── Lease ─────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** One call: creates the lease, takes it when free (term + 1), and answers it. It is won if and only if the answer has the given nonce. `name`: default, the leader's. */
  acquireLease(me: PeerId, nonce: string, name?: LeaseName): Promise<Lease>
  /** Extends the lease by `leaseMs`; `deposed` where another peer or term holds it. */
  renewLease(me: PeerId, term: number, name?: LeaseName): Promise<'renewed' | 'deposed'>
  /** Ends this peer's lease of this term, so that another can take it at once. */
  releaseLease(me: PeerId, term: number, name?: LeaseName): Promise<Changed>
  lease(name?: LeaseName): Promise<Lease>
  /**
   * Writes what the holder of a lease leaves to its successors under a key, any text; null removes it. `unchanged` where a newer term wrote
   * it, or nothing is there to remove.
   */
  setNote(note: { lease: LeaseName; key: string; text: string | null; term: number }): Promise<Changed>
  /** All notes of a lease, by key. */
  notes(lease: LeaseName): Promise<ReadonlyMap<string, string>>
  /** Writes the term of a new leader on every video that is open or undelivered, on all their tasks, and on waiting webhook deliveries. */
  stampTerm(term: number): Promise<void>
  /**
   * Makes tasks agree with their videos: inserts missing tasks (`requiredTasks`), cancels tasks of ended videos, revives CANCELLED tasks
   * of open ones, corrects priority and due, writes the term where a lower one is. Answers how many documents it repaired.
   */
  sweep(term: number): Promise<{ repaired: number }>

  // ── Peers, engines and events ───────────────────────────────────────────────────────────────────────────────────────
  /** Makes the peer a member of this mesh for `ms` from now, or renews that. */
  addMember(id: PeerId, ms: number): Promise<void>
  /** The members now, at most `MEMBERS_MAX`, those that were renewed last. */
  members(): Promise<PeerId[]>
  peers(): Promise<PeerRecord[]>
  peer(id: PeerId): Promise<PeerRecord>
  setPeer(id: PeerId, change: Partial<Omit<PeerRecord, '_id'>>): Promise<void>
  /** Quarantines the peer for `ms` from now, as the `quarantines`-th time in a row, while its `quarantined_until` equals `seen`. */
  quarantine(
    id: PeerId,
    period: { ms: number; quarantines: number; reason: string; seen: number | null },
  ): Promise<Changed>
  /** All engines, by `_id`. */
  engines(): Promise<EngineRecord[]>
  /** Adds a peer that reaches the engine; creates the record, with 0 workers wanted, where there is none. */
  addEnginePeer(engine: string, peer: PeerId): Promise<Changed>
  /** Removes a peer that no longer reaches the engine or cannot run the wanted workers there. The record stays. */
  removeEnginePeer(engine: string, peer: PeerId): Promise<Changed>
  /** Sets the number of wanted workers. Creates no record: an engine that no peer reaches runs nothing. */
  setWanted(engine: string, change: { wanted: number; reason: string; term: number }): Promise<Changed>
  /** Appends an event, with the next number, and `at` by the ledger's clock; beyond `EVENTS_MAX` the oldest are removed. */
  addEvent(event: NewEvent): Promise<void>
  /** The newest events of those that are asked for, newest last. */
  events(limit: number, query?: EventQuery): Promise<LedgerEvent[]>
  /** The first events after this number, in order. Those between it and the first answered one are no longer kept. */
  eventsAfter(n: number, limit: number): Promise<LedgerEvent[]>
}

/** Options of both adapters, ms; the defaults are `CLAIM_MS`, `LEASE_MS` and `LEDGER_CALL_RETRY_MS`. Tests shorten them. */
export interface LedgerOptions {
  claimMs?: number
  leaseMs?: number
  /** How long a method retries transient errors before it rejects with `LedgerUnavailable`, ms. */
  retryMs?: number
}

export { initialPeer } from './peer-record.ts'
export type { Counts, Progress } from './task-counts.ts'
export type {
  Delivery,
  DeliveryKey,
  EngineRecord,
  HeldBlob,
  Lease,
  LeaseName,
  LedgerEvent,
  NewTask,
  PeerRecord,
  Plan,
  Submission,
  Task,
  TaskInput,
  TaskOutput,
  TaskQuery,
  Video,
  VideoQuery,
}

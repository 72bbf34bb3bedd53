/**
 * The ledger: the durable truth about videos, tasks, peers and leases. Adapters: `ledger/mongo/` and
 * `ledger/sqlite/`, one file per transition; both pass `conformance/ledger.ts`.
 *
 * Promises
 * - Every transition is one atomic compare-and-set; none reads and then writes. Two-write events are named as such, and
 *   the second write is repaired by `sweep`.
 * - Time inside a compare is the ledger's own (MongoDB: `$$NOW`; SQLite, which is one host: the injected Clock).
 * - Every method answers a tagged result for what may be expected. An error is `LedgerUnavailable` (unknown whether it happened:
 *   read back by token or id) or a bug. Adapters retry transient errors themselves within `retryMs` of the options.
 * - A coordinator's write takes its `term`: it matches only documents with `coordinator_term ≤ term` and sets it.
 * - Ids, strings and documents given by workers are data, never operators.
 */

import type { Artifact } from './artifact.ts'
import type { FailureCode } from './errors.ts'
import type { PeerId, Sha256, TaskId, Token, VideoId } from './ids.ts'
import type { KindName } from './kinds.ts'
import type { Plan } from './plan.ts'
import type { Recipe } from './recipe.ts'
import type { NewTask, Task, TaskInput, TaskOutput, TaskStatus } from './task.ts'
import type { Delivery, HeldBlob, Video, VideoStatus } from './video.ts'

export interface Submission {
  _id: VideoId
  name: string
  recipe: Recipe
  priority: number
  deadline: number | null
  source: HeldBlob
  delivery: Omit<Delivery, 'done_at'> | null
}

/** What a claim gives the worker: the whole task as it then was; its own claim is the one with its token. */
export type ClaimOutcome = { outcome: 'claimed'; attempt: number; task: Task } | { outcome: 'none' }
/** `superseded`: the attempt is no longer among the claims; drop its work. */
export type AttemptOutcome = 'done' | 'superseded'
export type Changed = 'changed' | 'unchanged'

/** A claim as it stood when a suspicion began: reclaim ends only claims that are still exactly this. */
export interface ObservedClaim {
  task: TaskId
  attempt: number
  worker_id: PeerId
  token: Token
  expires_at: number
}

export interface Lease {
  holder: PeerId | null
  nonce: string
  term: number
  /** Ms until it runs out by the ledger's clock; 0 when free. */
  remaining_ms: number
}

export interface PeerRecord {
  _id: PeerId
  paused: boolean
  draining: boolean
  /** Ledger time, ms; null when it never was quarantined. One that is over stays: what it was for counts no more. */
  quarantined_until: number | null
  /** Quarantines with nothing completed in between: each lasts longer. */
  quarantines: number
  reason: string | null
}

/** What holds for a peer of which nothing was decided. */
export const initialPeer = (id: PeerRecord['_id']): PeerRecord => ({
  _id: id,
  paused: false,
  draining: false,
  quarantined_until: null,
  quarantines: 0,
  reason: null,
})

/** An engine that runs containers or processes, and how many workers the leader wants there. */
export interface EngineRecord {
  /** The engine's own id. */
  _id: string
  wanted: number
  /** Why so many, in the leader's words. */
  reason: string | null
  /** Peers that said they reach it, at most `ENGINE_PEERS_MAX`, newest last. The smallest one that lives keeps it. */
  peers: PeerId[]
  coordinator_term: number
}

/** What people read in `status`. Written by `emit` (emitter.ts). */
export interface LedgerEvent {
  /** Ms since 1970, by the ledger's clock. */
  at: number
  /** An `EventCode`, or the code of a newer peer's event. */
  what: string
  peer: PeerId | null
  video: VideoId | null
  text: string
}

/** How a task ended at last: who completed it and when, and who had failed at it before. */
export type Outcome = Pick<Task, '_id' | 'kind' | 'worker_id' | 'end_time' | 'failures'>

/** Tasks by kind, `resolution` and status. */
export type Counts = readonly {
  kind: KindName
  resolution: Task['resolution']
  status: TaskStatus
  count: number
}[]
export type Progress = ReadonlyMap<VideoId, Counts>

export interface TaskQuery {
  video?: VideoId
  kinds?: readonly KindName[]
  statuses?: readonly TaskStatus[]
  /** PROCESSING tasks that this worker holds a claim on. */
  worker?: PeerId
  /** Only those that somebody has claimed before: a PENDING one with strikes or failures always is. */
  tried?: true
  limit?: number
}

export interface Ledger {
  /** Creates schema and indexes where they are missing; harmless when many start at once. `UsageError` when it cannot serve. */
  open(): Promise<void>
  close(): Promise<void>
  /** For people: what and where, without credentials. */
  readonly description: string
  /** The ledger's clock, ms. */
  now(): Promise<number>

  // ── Videos ────────────────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Two writes (video, then its ingest task). An existing open or COMPLETED one gains the source's holders and the
   * delivery (one of that peer, folder and name is opened again); a FAILED or CANCELLED one is retried.
   */
  submit(video: Submission): Promise<{ outcome: 'created' | 'joined' | 'retried'; video: Video }>
  video(id: VideoId): Promise<Video | null>
  /** By created_at, newest last. */
  videos(query?: { statuses?: readonly VideoStatus[]; limit?: number }): Promise<Video[]>
  /** COMPLETED ones whose files somebody still waits for, newest last. Does not grow with what is delivered. */
  undeliveredVideos(): Promise<Video[]>
  /** QUEUED → PLANNING, by the attempt that holds the ingest task. */
  startPlanning(id: VideoId): Promise<Changed>
  /**
   * QUEUED, PLANNING → RUNNING with `plan: null` as compare; the plan document is inserted first. The loser is answered the
   * winner's plan. `closed` when the video is not open. Sets `due` to created_at + the source's duration (or earlier by
   * the deadline).
   */
  commitPlan(plan: Plan, due: number): Promise<{ outcome: 'committed' | 'lost'; plan: Plan } | { outcome: 'closed' }>
  plan(id: VideoId, sha256: Sha256): Promise<Plan | null>
  /** RUNNING → MERGING. The caller has counted. */
  startMerging(id: VideoId, term: number): Promise<Changed>
  /** MERGING → COMPLETED with these outputs. */
  completeVideo(id: VideoId, outputs: readonly Artifact[], term: number): Promise<Changed>
  /** COMPLETED with an open delivery → MERGING, its outputs emptied, and its merge task PENDING. Two writes. */
  reopenVideo(id: VideoId, term: number): Promise<Changed>
  /** open → FAILED with the sentence, then its tasks CANCELLED. Two writes. */
  failVideo(id: VideoId, failure: string, term: number): Promise<Changed>
  /** open → CANCELLED, then its tasks. Two writes. */
  cancel(id: VideoId): Promise<Changed>
  /** FAILED, CANCELLED → RUNNING or QUEUED; its tasks first. Two writes. */
  retry(id: VideoId): Promise<Changed>
  /** On the video, then on its open tasks. Two writes. */
  setPriority(id: VideoId, priority: number): Promise<Changed>
  /** Fixes the file name of a delivery while it is open (compare: the old name). */
  nameDelivery(id: VideoId, delivery: Pick<Delivery, 'peer' | 'dir' | 'name'>, name: string): Promise<Changed>
  /** The peer's open deliveries into this folder are done; with `name`, only the one of that name. */
  finishDelivery(id: VideoId, delivery: Pick<Delivery, 'peer' | 'dir'> & { name?: string }): Promise<Changed>
  /** Adds a holder to the source or a result, keeping at most `HOLDERS_MAX`, newest last. */
  addVideoHolder(id: VideoId, sha256: Sha256, peer: PeerId): Promise<Changed>

  // ── Tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** Idempotent by `_id`; carries the lease's term as read just before. In batches of `INSERT_BATCH`. */
  insertTasks(tasks: readonly NewTask[]): Promise<{ inserted: number }>
  task(id: TaskId): Promise<Task | null>
  /** By video, rank and `_id`. */
  tasks(query: TaskQuery): Promise<Task[]>
  progress(videos: readonly VideoId[]): Promise<Progress>
  /** The COMPLETED tasks that ended last, newest first: what tells bad peers from bad tasks. */
  outcomes(limit: number): Promise<Outcome[]>
  /**
   * Classes of which something may be claimed now (PENDING, all claims run out, or a backup wanted): what a worker
   * intersects with what it has proved.
   */
  pendingClasses(): Promise<string[]>
  /** The best task of these classes by priority, due, rank, `_id`; one blind call. `backup`: of another worker than this. */
  claimNext(ask: {
    worker: PeerId
    token: Token
    classes: readonly string[]
    from: 'pending' | 'expired' | 'backup'
  }): Promise<ClaimOutcome>
  /** This very task: `free` is PENDING or with all claims run out, `backup` a wanted one of another worker than this. */
  claimTask(ask: {
    worker: PeerId
    token: Token
    task: TaskId
    from: 'pending' | 'free' | 'backup'
  }): Promise<ClaimOutcome>
  /** After an error: what that try did get. */
  claimsByToken(token: Token): Promise<Task[]>
  /** One bulk write. Answers the attempts that are lost. */
  renew(
    worker: PeerId,
    attempts: readonly { task: TaskId; attempt: number }[],
  ): Promise<{ lost: { task: TaskId; attempt: number }[] }>
  /** Reads back by `_id` on any doubt: `done` also when an earlier try of the same attempt had committed. */
  complete(done: {
    task: TaskId
    attempt: number
    worker: PeerId
    output: TaskOutput | null
    outputs?: Task['outputs']
    output_path?: string | null
  }): Promise<AttemptOutcome>
  /** Adds a failure, a strike where `strike`, and `not_before = now + backoff_ms`. */
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
  release(given: { task: TaskId; attempt: number; worker: PeerId }): Promise<AttemptOutcome>
  /** Live claims of a worker, as a suspicion or a restart needs them. */
  claimsOf(worker: PeerId): Promise<ObservedClaim[]>
  /** Ends these claims where they are still exactly so. Answers the tasks that changed. `strike` adds one by that code. */
  reclaim(claims: readonly ObservedClaim[], options: { term: number; strike: FailureCode | null }): Promise<TaskId[]>
  /** A restarted worker ends claims of its own earlier life: no term, no strike, exactly the seen ones. */
  releaseClaims(claims: readonly ObservedClaim[]): Promise<TaskId[]>
  /** PROCESSING with one claim, while `attempt` is still the newest of the task: the claim's own, or of a backup that has ended. */
  wantBackup(id: TaskId, options: { attempt: number; term: number }): Promise<Changed>
  /** PENDING → FAILED while it has as many strikes as were read. */
  failTask(id: TaskId, options: { strikes: number; term: number }): Promise<Changed>
  /** COMPLETED → PENDING while its output (ingest: any of its outputs or inputs) is as read: `attempt` is the committed one. */
  loseOutput(id: TaskId, options: { completed_attempt: number; term: number }): Promise<Changed>
  /** PENDING with the lost input → the same with the new one. */
  recut(id: TaskId, lost: Sha256, input: TaskInput): Promise<Changed>
  /** Adds a holder of the input, the output or one of the outputs with these bytes. */
  addTaskHolder(id: TaskId, sha256: Sha256, peer: PeerId): Promise<Changed>

  // ── Lease ─────────────────────────────────────────────────────────────────────────────────────────────────────────
  /** One call: creates it, takes it when free (term + 1), and tells everyone who holds it. Won ⇔ the nonce is mine. */
  acquireLease(me: PeerId, nonce: string): Promise<Lease>
  renewLease(me: PeerId, term: number): Promise<'renewed' | 'deposed'>
  releaseLease(me: PeerId, term: number): Promise<Changed>
  lease(): Promise<Lease>
  /** A new coordinator's first duty: its term on every video that is open or not delivered, and on all their tasks. */
  stampTerm(term: number): Promise<void>
  /**
   * Makes tasks agree with their videos: inserts the missing ingest task of QUEUED and PLANNING ones and the merge task of
   * MERGING ones, cancels tasks of ended videos, revives CANCELLED tasks of open ones, corrects priority and due,
   * re-stamps lower terms. Harmless at any time. Answers how many documents it mended.
   */
  sweep(term: number): Promise<{ repaired: number }>

  // ── Peers, hosts and events ───────────────────────────────────────────────────────────────────────────────────────
  peers(): Promise<PeerRecord[]>
  peer(id: PeerId): Promise<PeerRecord>
  setPeer(id: PeerId, change: Partial<Omit<PeerRecord, '_id'>>): Promise<void>
  /** Quarantined for so long from now, as its `quarantines`-th in a row, while its `quarantined_until` is as read. */
  quarantine(
    id: PeerId,
    period: { ms: number; quarantines: number; reason: string; seen: number | null },
  ): Promise<Changed>
  /** By `_id`. */
  engines(): Promise<EngineRecord[]>
  /** This peer reaches the engine: makes its record, with nothing wanted, where there is none. */
  addEnginePeer(engine: string, peer: PeerId): Promise<Changed>
  /** It does so no longer, or cannot have it do what is wanted. The record stays. */
  removeEnginePeer(engine: string, peer: PeerId): Promise<Changed>
  /** A coordinator's write. Makes no record: an engine that nobody reaches runs nothing. */
  setWanted(engine: string, change: { wanted: number; reason: string; term: number }): Promise<Changed>
  /** Capped; `at` is the ledger's time. Loss of an event loses nothing else. */
  addEvent(event: Omit<LedgerEvent, 'at'>): Promise<void>
  /** Newest last. */
  events(limit: number): Promise<LedgerEvent[]>
}

/** Options both adapters take; the defaults are in limits.ts. Tests shorten them. */
export interface LedgerOptions {
  claimMs?: number
  leaseMs?: number
  /** How long a method goes on retrying transient errors before it throws `LedgerUnavailable`. */
  retryMs?: number
}

export type { Delivery, HeldBlob, NewTask, Plan, Recipe, Task, TaskInput, TaskOutput, Video }

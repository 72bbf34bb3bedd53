/**
 * The ledger: the durable truth about videos, tasks, peers and leases. Adapters: `ledger/mongo/` and
 * `ledger/sqlite/`, one file per transition; both pass `conformance/ledger.ts`.
 *
 * Promises
 * - Every transition is one atomic compare-and-set; none reads and then writes. Two-write events are named as such, and
 *   the second write is repaired by `sweep`.
 * - Time inside a compare is the ledger's own (MongoDB: `$$NOW`; SQLite, which is one machine: the injected Clock).
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

/** A video as a peer submits it. `deadline`: wall clock, ms since 1970, or null; `priority`: the highest is claimed first. */
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
/** `done`: the ledger has it. `superseded`: the attempt is no longer among the claims; its work is dropped. */
export type AttemptOutcome = 'done' | 'superseded'
/** Whether a compare-and-set held. */
export type Changed = 'changed' | 'unchanged'

/** A claim as it stood when a suspicion began: reclaim ends only claims that are still exactly this. */
export interface ObservedClaim {
  task: TaskId
  attempt: number
  worker_id: PeerId
  token: Token
  expires_at: number
}

/** The leader's lease as the ledger holds it. */
export interface Lease {
  holder: PeerId | null
  nonce: string
  term: number
  /** Ms until it runs out by the ledger's clock; 0 when free. */
  remaining_ms: number
}

/** What was decided about a peer: by people (paused, draining) or by the leader (quarantine). */
export interface PeerRecord {
  _id: PeerId
  paused: boolean
  draining: boolean
  /** Ledger time, ms; null when it never was quarantined. Stays after its end: failures before it no longer count. */
  quarantined_until: number | null
  /** Quarantines with nothing completed in between: each lasts longer. */
  quarantines: number
  reason: string | null
}

const UNDECIDED = { paused: false, draining: false, quarantined_until: null, quarantines: 0, reason: null }
/** The record of a peer of which nothing was decided. */
export const initialPeer = (id: PeerId): PeerRecord => ({ _id: id, ...UNDECIDED })

/** An engine that runs containers or processes, and how many workers the leader wants there. */
export interface EngineRecord {
  /** The engine's own id. */
  _id: string
  wanted: number
  /** Why so many, in the leader's words. */
  reason: string | null
  /** Peers that reach it, at most `ENGINE_PEERS_MAX`, newest last. The present one with the smallest id owns it. */
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
/** The counts of each of the videos asked about. */
export type Progress = ReadonlyMap<VideoId, Counts>

/** Which tasks to read: those to which every given condition applies. `limit`: at most so many, in order. */
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

/**
 * The ledger of a mesh. The head of this file says what all methods promise and how they fail; unless noted, times and durations are ms by
 * the ledger's own clock. Where a document does not exist, reads answer null or nothing, and changes `unchanged`.
 */
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
  /** COMPLETED ones with an open delivery, newest last. Its cost does not grow with the delivered ones. */
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
  /** RUNNING → MERGING. The caller has counted the tasks. */
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
  /** The COMPLETED tasks that ended last, newest first: they show whether a peer or a task is the cause of failures. */
  outcomes(limit: number): Promise<Outcome[]>
  /**
   * Classes of which something may be claimed now (PENDING, all claims run out, or a backup wanted): what a worker
   * intersects with its capability.
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
  /** After an error: the tasks that the failed try did claim. */
  claimsByToken(token: Token): Promise<Task[]>
  /** One bulk write. Answers the attempts that are lost. */
  renew(
    worker: PeerId,
    attempts: readonly { task: TaskId; attempt: number }[],
  ): Promise<{ lost: { task: TaskId; attempt: number }[] }>
  /** Where the compare fails it reads back by `_id`: `done` also when an earlier try of the same attempt had committed. */
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
  /** A restarted worker ends the claims of its earlier process: no term, no strike, exactly the observed ones. */
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
  /** One call: creates it, takes it when free (term + 1), and answers who holds it. It is won if and only if the answer has the given nonce. */
  acquireLease(me: PeerId, nonce: string): Promise<Lease>
  renewLease(me: PeerId, term: number): Promise<'renewed' | 'deposed'>
  releaseLease(me: PeerId, term: number): Promise<Changed>
  lease(): Promise<Lease>
  /** A new coordinator's first duty: its term on every video that is open or not delivered, and on all their tasks. */
  stampTerm(term: number): Promise<void>
  /**
   * Makes tasks agree with their videos: inserts the missing ingest task of QUEUED and PLANNING ones and the merge task of
   * MERGING ones, cancels tasks of ended videos, revives CANCELLED tasks of open ones, corrects priority and due,
   * re-stamps lower terms. Harmless at any time. Answers how many documents it repaired.
   */
  sweep(term: number): Promise<{ repaired: number }>

  // ── Peers, engines and events ───────────────────────────────────────────────────────────────────────────────────────
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
  /** This peer no longer reaches the engine, or cannot run the wanted workers there. The record stays. */
  removeEnginePeer(engine: string, peer: PeerId): Promise<Changed>
  /** A coordinator's write. Creates no record: an engine that no peer reaches runs nothing. */
  setWanted(engine: string, change: { wanted: number; reason: string; term: number }): Promise<Changed>
  /** Capped; `at` is the ledger's time. Loss of an event loses nothing else. */
  addEvent(event: Omit<LedgerEvent, 'at'>): Promise<void>
  /** Newest last. */
  events(limit: number): Promise<LedgerEvent[]>
}

/** Options of both adapters, ms; the defaults are `CLAIM_MS`, `LEASE_MS` and `LEDGER_CALL_RETRY_MS`. Tests shorten them. */
export interface LedgerOptions {
  claimMs?: number
  leaseMs?: number
  /** How long a method goes on retrying transient errors before it throws `LedgerUnavailable`. */
  retryMs?: number
}

export type { Delivery, HeldBlob, NewTask, Plan, Recipe, Task, TaskInput, TaskOutput, Video }

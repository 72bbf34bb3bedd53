/**
 * The runner of a task kind: what a worker does with the claims it holds. Video and audio runners live in `node/worker/`,
 * ingest and merge in `coordinator/tasks/`; `node/compose.ts` gives each worker those it may use.
 */
import type { AttemptFailed } from './errors.ts'
import type { TaskId } from './ids.ts'
import type { KindName } from './kinds.ts'
import type { Task, TaskOutput } from './task.ts'

/** A task that this worker has claimed, and the number of its attempt. */
export interface HeldTask {
  readonly task: Task
  readonly attempt: number
}

/** Claims on one chunk (several renditions, one decode), or on one audio, ingest or merge task. Never empty. */
export interface Assignment {
  readonly held: readonly [HeldTask, ...HeldTask[]]
  /** Aborts when every attempt is lost or the worker stops. The signal's reason says which. */
  readonly signal: AbortSignal
  /** Share done (0–1) and source seconds per second, for heartbeats and the straggler policy. */
  progress(done: number, speed: number): void
  /** Tells whether the attempt waits, for its input or for other tasks: a peer whose attempts all wait is `waiting`. */
  waits(isWaiting: boolean): void
  /** Frees the slot while the attempt waits for other tasks, or for a holder of its input; the claim stays. */
  releaseSlot(): void
}

/** How the attempt at one task of an assignment ended. */
export type TaskResult =
  | {
      readonly task: TaskId
      readonly ok: true
      readonly output: TaskOutput | null
      readonly outputs?: Task['outputs']
      readonly output_path?: string
    }
  | { readonly task: TaskId; readonly ok: false; readonly failure: AttemptFailed }

/** The runners that a peer has, by kind. */
export type Runners = Readonly<Partial<Record<KindName, Runner>>>

/** Runs claims of one task kind. */
export interface Runner {
  /** Runs the attempts; one result for each task. A rejection fails them all. */
  (assignment: Assignment): Promise<readonly TaskResult[]>
  /** Fetches the input of a task, claimed or not, unless it is here already. Rejects with `BlobMissing` or `AttemptFailed`. */
  readonly prefetch?: (task: Task, signal: AbortSignal) => Promise<unknown>
}

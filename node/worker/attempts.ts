/**
 * The attempts of a worker: runs them, renews their claims, and settles each with one write (`settlement.ts`).
 *
 * Promises: every attempt ends in `complete`, `fail` or `release`, or is superseded, and then its result is dropped; a run whose attempts are
 * all superseded is aborted. While the ledger is unavailable a run continues, and its result waits as long as settling is retried.
 */
import { type Clock, within } from '../../protocol/clock.ts'
import { AttemptFailed, LedgerUnavailable, sentence } from '../../protocol/errors.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, TaskId, VideoId } from '../../protocol/ids.ts'
import type { ClaimOutcome, Ledger } from '../../protocol/ledger.ts'
import { RENEW_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { createNotifier, type Notifier } from '../../protocol/notifier.ts'
import type { HeldTask, Runners, TaskResult } from '../../protocol/runner.ts'
import { asFailure, type EndedTask, endsOf } from './run-outcome.ts'
import type { Settle } from './settlement.ts'

/** The tasks of one run, at least one. */
export type Assigned = [HeldTask, ...HeldTask[]]

/** The claimed task, as a list of one or none. */
export const heldBy = (answer: ClaimOutcome): HeldTask[] =>
  answer.outcome === 'claimed' ? [{ task: answer.task, attempt: answer.attempt }] : []

/** The parts that attempts use. */
export interface AttemptsModules {
  readonly ledger: Pick<Ledger, 'renew'>
  readonly clock: Clock
  readonly log: Log
  /** The hints `video` and `decided` make it renew the claims of that video or task at once, to see whether they have ended. */
  readonly hints: Pick<Hints, 'on'>
  readonly runners: Runners
  readonly settle: Settle
}

/** How a run differs from others. */
export interface RunOptions {
  /** Whether it takes an encode slot. */
  readonly counted: boolean
  /** Whether it is released at once, without a start. */
  readonly isUnwanted: boolean
  /** Called when the run only waits for other tasks from now on, and when only its results are to be settled: its slot may run another task. */
  releaseSlot(): void
  /** Called before the claims end, unless the run was stopped or superseded. */
  ended(tasks: readonly EndedTask[]): void
}

/** The running attempts of this worker. */
export interface Attempts {
  /** Handles hints from now on. Idempotent. */
  start(): void
  /** Runs and settles the attempts. Never rejects. */
  run(assigned: Assigned, options: RunOptions): Promise<void>
  /** All running attempts, oldest first. */
  running(): readonly RunningAttempt[]
  /** Whether every attempt is settled: one whose result is being written is not among the running ones any more. */
  areSettled(): boolean
  /** Number of encode slots in use. */
  busySlots(): number
  /** Aborts all runs and releases their claims. */
  releaseAll(): void
  /** Waits at most `drainMs` for the runs, then aborts and releases the others. */
  stop(drainMs: number): Promise<void>
}

interface Run {
  readonly alive: Map<TaskId, HeldTask>
  readonly counted: boolean
  releaseSlot(): void
  ended(tasks: readonly EndedTask[]): void
  readonly controller: AbortController
  /** Notified when the ledger may have ended its claims. */
  readonly notifier: Notifier
  done: number
  speed: number
  waits: boolean
  hasReleasedSlot: boolean
  /** Whether only its results are to be settled. */
  hasEnded: boolean
}

/** Reasons of an abort: only a stop releases the claims. */
const LOST = 'every attempt of this run was lost'
const STOPPED = 'the worker releases its claims'

const wasStopped = ({ controller: { signal } }: Run): boolean => signal.aborted && signal.reason?.message === STOPPED

/** Makes the set, empty and not started. */
export const createAttempts = (options: { readonly self: PeerId }, modules: AttemptsModules): Attempts =>
  new AttemptSet(options.self, modules)

class AttemptSet implements Attempts {
  readonly #self: PeerId
  readonly #modules: AttemptsModules
  readonly #runs = new Map<Run, Promise<void>>()
  #isStopped = false
  #subscriptions: (() => void)[] = []

  constructor(self: PeerId, modules: AttemptsModules) {
    this.#self = self
    this.#modules = modules
  }

  start(): void {
    if (this.#subscriptions.length > 0) return
    const { hints } = this.#modules
    this.#subscriptions = [
      hints.on(['video'], ({ video }) => video !== null && this.#recheck(video)),
      hints.on(['decided'], ({ task }) => task && this.#recheck(task)),
    ]
  }

  run(assigned: Assigned, { isUnwanted, counted, releaseSlot, ended }: RunOptions): Promise<void> {
    const run: Run = {
      alive: new Map(assigned.map((held) => [held.task._id, held])),
      counted,
      releaseSlot() {
        run.hasReleasedSlot = true
        releaseSlot()
      },
      ended,
      controller: new AbortController(),
      notifier: createNotifier(this.#modules.clock),
      done: 0,
      speed: 0,
      waits: false,
      hasReleasedSlot: false,
      hasEnded: false,
    }
    if (this.#isStopped || isUnwanted) run.controller.abort(new DOMException(STOPPED, 'AbortError'))
    const ending = this.#runAll(assigned, run).finally(() => this.#runs.delete(run))
    this.#runs.set(run, ending)
    return ending
  }

  running(): readonly RunningAttempt[] {
    return [...this.#runs.keys()].flatMap(({ alive, done, speed, waits }) =>
      [...alive.values()].map(({ task, attempt }) => ({
        task: task._id,
        attempt,
        done,
        speed,
        ...(waits && { waits }),
      })),
    )
  }

  areSettled(): boolean {
    return this.#runs.size === 0
  }

  busySlots(): number {
    return [...this.#runs.keys()].filter((run) => run.counted && !run.hasEnded && !(run.hasReleasedSlot && run.waits))
      .length
  }

  releaseAll(): void {
    for (const { controller } of this.#runs.keys()) controller.abort(new DOMException(STOPPED, 'AbortError'))
  }

  async stop(drainMs: number): Promise<void> {
    const ending = Promise.allSettled(this.#runs.values())
    if (drainMs > 0) await within(this.#modules.clock, drainMs, ending)
    this.#isStopped = true
    this.releaseAll()
    await ending
    for (const unsubscribe of this.#subscriptions) unsubscribe()
  }

  #recheck(what: VideoId | TaskId): void {
    for (const { alive, notifier } of this.#runs.keys())
      if ([...alive.values()].some(({ task }) => task.video_id === what || task._id === what)) notifier.notify()
  }

  async #runAll(assigned: Assigned, run: Run): Promise<void> {
    const { settle, log } = this.#modules
    const ended = new AbortController()
    const renewing = this.#renewWhile(run, ended.signal)
    const results = await this.#execute(assigned, run)
    const isStopped = wasStopped(run)
    if (!isStopped && run.alive.size > 0) run.ended(endsOf(assigned, results, this.#self))
    // What failed is settled first: it says what may be claimed next.
    if (!isStopped && results.every(({ ok }) => ok)) {
      run.hasEnded = true
      run.releaseSlot()
    }
    const settleOne = async (result: TaskResult): Promise<void> => {
      const held = run.alive.get(result.task)
      // Removed before the write, so that a renewal meanwhile does not count it as superseded.
      run.alive.delete(result.task)
      if (held) await settle(held, result, isStopped)
    }
    const settled: PromiseSettledResult<void>[] = []
    if (isStopped || run.hasEnded) settled.push(...(await Promise.allSettled(results.map(settleOne))))
    // In their order, as other peers try the first that failed for a second opinion: the sound of a short film.
    else for (const result of results) settled.push(...(await Promise.allSettled([settleOne(result)])))
    ended.abort()
    await renewing
    for (const each of settled) {
      if (each.status === 'rejected')
        log.error('an attempt could not be settled; its claim will expire', { error: sentence(each.reason) })
    }
  }

  async #execute(assigned: Assigned, run: Run): Promise<readonly TaskResult[]> {
    const { kind } = assigned[0].task
    const { signal } = run.controller
    const runner = this.#modules.runners[kind]
    const failAll = (failure: AttemptFailed): TaskResult[] =>
      assigned.map(({ task }) => ({ task: task._id, ok: false, failure }))
    if (!runner) return failAll(new AttemptFailed('unexpected', `this peer has no runner for ${kind} tasks`))
    const progress = (done: number, speed: number) => Object.assign(run, { done: Math.min(1, done), speed })
    try {
      signal.throwIfAborted()
      const waits = (isWaiting: boolean) => Object.assign(run, { waits: isWaiting })
      return await runner({ held: assigned, signal, progress, waits, releaseSlot: run.releaseSlot })
    } catch (error) {
      return failAll(asFailure(error))
    }
  }

  async #renewWhile(run: Run, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await run.notifier.wait(RENEW_MS, ended).catch(() => {})
      if (ended.aborted || run.alive.size === 0) return
      await this.#renew(run)
    }
  }

  async #renew({ alive, controller }: Run): Promise<void> {
    const { ledger, log } = this.#modules
    try {
      const asked = [...alive.values()].map(({ task, attempt }) => ({ task: task._id, attempt }))
      const { lost } = await ledger.renew(this.#self, asked)
      for (const { task } of lost) alive.delete(task)
      if (lost.length > 0) log.info('this peer lost claims', { tasks: lost.map(({ task }) => task) })
      if (alive.size === 0) controller.abort(new DOMException(LOST, 'AbortError'))
    } catch (error) {
      // Claims that cannot be renewed expire; the result is still written, fenced by its attempt.
      if (!(error instanceof LedgerUnavailable)) log.error('claims could not be renewed', { error: sentence(error) })
    }
  }
}

/**
 * The attempts a worker holds: runs them, renews their claims, and settles each with one write (`settlement.ts`).
 *
 * Promises: every attempt ends in `complete`, `fail` or `release`, or was lost to another; a lost one's result is dropped; a run
 * whose attempts are all lost is aborted. While the ledger is away a run goes on and its result is held for as long as settling is retried.
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
import { asFailure, outcomeOf, type RunOutcome } from './run-outcome.ts'
import type { Settle } from './settlement.ts'

export type Assigned = [HeldTask, ...HeldTask[]]

/** What a claim got, as a list of one or none. */
export const heldBy = (answer: ClaimOutcome): HeldTask[] =>
  answer.outcome === 'claimed' ? [{ task: answer.task, attempt: answer.attempt }] : []

export interface AttemptsModules {
  readonly ledger: Pick<Ledger, 'renew'>
  readonly clock: Clock
  readonly log: Log
  /** `video` and `decided` make it ask the ledger at once whether the claims of that video, or at that task, still hold. */
  readonly hints: Pick<Hints, 'on'>
  readonly runners: Runners
  readonly settle: Settle
}

export interface RunOptions {
  /** It takes an encode slot. */
  readonly counted: boolean
  /** It is released before it costs anything. */
  readonly isUnwanted: boolean
  /** It waits for others from here on: who runs it may do something else. */
  releaseSlot(): void
}

export interface Attempts {
  /** Handles hints from now on. Idempotent. */
  start(): void
  /** Runs and settles. Never rejects. */
  run(assigned: Assigned, options: RunOptions): Promise<RunOutcome>
  /** Oldest first. */
  running(): readonly RunningAttempt[]
  /** Encode slots that are taken. */
  busySlots(): number
  /** Aborts what runs now and releases its claims. */
  releaseAll(): void
  /** Waits `drainMs`, then aborts and releases what is left. */
  stop(drainMs: number): Promise<void>
}

interface Run {
  readonly alive: Map<TaskId, HeldTask>
  readonly counted: boolean
  releaseSlot(): void
  readonly controller: AbortController
  /** Notified when the ledger may have ended its claims. */
  readonly notifier: Notifier
  done: number
  speed: number
}

/** Why a run was aborted: distinguished, because only a stop releases the claims. */
const LOST = 'every attempt of this run was lost'
const STOPPED = 'the worker releases its claims'

const wasStopped = ({ controller: { signal } }: Run): boolean => signal.aborted && signal.reason?.message === STOPPED

export const createAttempts = (options: { readonly self: PeerId }, modules: AttemptsModules): Attempts =>
  new AttemptSet(options.self, modules)

class AttemptSet implements Attempts {
  readonly #self: PeerId
  readonly #modules: AttemptsModules
  readonly #runs = new Map<Run, Promise<RunOutcome>>()
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

  run(assigned: Assigned, { isUnwanted, counted, releaseSlot }: RunOptions): Promise<RunOutcome> {
    const run: Run = {
      alive: new Map(assigned.map((held) => [held.task._id, held])),
      counted,
      releaseSlot,
      controller: new AbortController(),
      notifier: createNotifier(this.#modules.clock),
      done: 0,
      speed: 0,
    }
    if (this.#isStopped || isUnwanted) run.controller.abort(new DOMException(STOPPED, 'AbortError'))
    const ending = this.#runAll(assigned, run).finally(() => this.#runs.delete(run))
    this.#runs.set(run, ending)
    return ending
  }

  running(): readonly RunningAttempt[] {
    return [...this.#runs.keys()].flatMap(({ alive, done, speed }) =>
      [...alive.values()].map(({ task, attempt }) => ({ task: task._id, attempt, done, speed })),
    )
  }

  busySlots(): number {
    return [...this.#runs.keys()].filter(({ counted }) => counted).length
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

  async #runAll(assigned: Assigned, run: Run): Promise<RunOutcome> {
    const { settle, log } = this.#modules
    const ended = new AbortController()
    const renewing = this.#renewWhile(run, ended.signal)
    const results = await this.#execute(assigned, run)
    const isStopped = wasStopped(run)
    const lostAll = run.alive.size === 0
    const settled = await Promise.allSettled(
      results.map(async (result) => {
        const held = run.alive.get(result.task)
        // Settled by this very write: a renewal in between must not take it for lost.
        run.alive.delete(result.task)
        if (held) await settle(held, result, isStopped)
      }),
    )
    ended.abort()
    await renewing
    for (const each of settled) {
      if (each.status === 'rejected')
        log.error('an attempt could not be settled; its claim will expire', { error: sentence(each.reason) })
    }
    return isStopped || lostAll ? 'ended' : outcomeOf(results)
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
      return await runner({ held: assigned, signal, progress, releaseSlot: run.releaseSlot })
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
      if (lost.length > 0) log.info('claims lost', { tasks: lost.map(({ task }) => task) })
      if (alive.size === 0) controller.abort(new DOMException(LOST, 'AbortError'))
    } catch (error) {
      // Claims that cannot be renewed expire; the result is still held, and fenced.
      if (!(error instanceof LedgerUnavailable)) log.error('claims could not be renewed', { error: sentence(error) })
    }
  }
}

/**
 * The attempts a worker holds: runs them, renews their claims, and settles each with one write.
 *
 * Promises: every attempt ends in `complete`, `fail` or `release`, or was lost to another; a lost one's result is dropped; a run
 * whose attempts are all lost is aborted. While the ledger is away a run goes on and its result is held up to the patience.
 */
import { type Bell, createBell } from '../../protocol/bell.ts'
import { backoffMs, type Clock, type Rng, within } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { AttemptFailed, isDiskFull, LedgerAway, NO_STRIKE, sentence } from '../../protocol/errors.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, Sha256, TaskId, TaskKind, VideoId } from '../../protocol/ids.ts'
import type { ClaimOutcome, Ledger } from '../../protocol/ledger.ts'
import { FAILURE_MESSAGE_BYTES, RENEW_MS, TASK_BACKOFF_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { withPatience } from '../../protocol/patience.ts'
import type { HeldTask, Runner, TaskResult } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'

export type Assigned = [HeldTask, ...HeldTask[]]

/** What a claim got, as a list of one or none. */
export const heldBy = (answer: ClaimOutcome): HeldTask[] =>
  answer.outcome === 'claimed' ? [{ task: answer.task, attempt: answer.attempt }] : []

export interface AttemptsOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  readonly runners: Readonly<Partial<Record<TaskKind, Runner>>>
  /** Each write that others may react to is published: `tasks`, `decided`. */
  readonly hints: Pick<Hints, 'publish'>
  /** Keeps the whole log of a failure as a blob that people can ask for; null where that fails. */
  keepLog(task: Task, text: string): Promise<Sha256 | null>
}

interface Run {
  readonly alive: Map<TaskId, HeldTask>
  readonly counted: boolean
  leaveSeat(): void
  readonly controller: AbortController
  /** Rung when the ledger may have ended its claims. */
  readonly bell: Bell
  done: number
  speed: number
}

/** Failures without a strike (a missing input) wait up to `base · 2^this`: soon again, but not in a spin. */
const TRIES_WITHOUT_STRIKES = 3

/** Why a run was aborted: told apart, because only a stop gives the claims back. */
const LOST = 'every attempt of this run was lost'
const STOPPED = 'the worker gives its claims back'

/** `failed`: the worker itself did. `hindered`: circumstances. `ended`: it was stopped, or lost to others. */
export type RunOutcome = 'fine' | 'failed' | 'hindered' | 'ended'

export interface Attempts {
  /** Runs and settles. Never rejects. `counted`: it takes a slot. `isUnwanted`: it is given back before it costs anything. */
  run(assigned: Assigned, how: { counted: boolean; isUnwanted: boolean; leaveSeat(): void }): Promise<RunOutcome>
  /** This video changed, or this task was decided: asks the ledger at once whether its claims still hold. */
  recheck(what: VideoId | TaskId): void
  /** Oldest first. */
  running(): readonly RunningAttempt[]
  busy(): number
  /** Aborts what runs now and releases its claims. */
  giveBack(): void
  /** Waits `drainMs`, then aborts and releases what is left. */
  stop(drainMs: number): Promise<void>
}

export function createAttempts(options: AttemptsOptions): Attempts {
  const { self, ledger, clock, rng, log } = options
  let isStopped = false
  const runs = new Map<Run, Promise<RunOutcome>>()

  async function execute(assigned: Assigned, run: Run): Promise<readonly TaskResult[]> {
    const runner = options.runners[assigned[0].task.kind]
    const failAll = (failure: AttemptFailed): TaskResult[] =>
      assigned.map(({ task }) => ({ task: task._id, ok: false, failure }))
    if (!runner)
      return failAll(new AttemptFailed('unexpected', `this peer has no runner for ${assigned[0].task.kind} tasks`))
    const progress = (done: number, speed: number) => Object.assign(run, { done: Math.min(1, done), speed })
    try {
      run.controller.signal.throwIfAborted()
      return await runner({ held: assigned, signal: run.controller.signal, progress, leaveSeat: run.leaveSeat })
    } catch (error) {
      return failAll(asFailure(error))
    }
  }

  async function renewWhile(run: Run, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await run.bell.wait(RENEW_MS, ended).catch(() => {})
      if (ended.aborted || run.alive.size === 0) return
      try {
        const asked = [...run.alive.values()].map(({ task, attempt }) => ({ task: task._id, attempt }))
        const { lost } = await ledger.renew(self, asked)
        for (const { task } of lost) run.alive.delete(task)
        if (lost.length > 0) log.info('claims lost', { tasks: lost.map(({ task }) => task) })
        if (run.alive.size === 0) run.controller.abort(new DOMException(LOST, 'AbortError'))
      } catch (error) {
        // Claims that cannot be renewed expire; the result is still held, and fenced.
        if (!(error instanceof LedgerAway)) log.error('claims could not be renewed', { error: sentence(error) })
      }
    }
  }

  /** One write that settles one attempt, held through an absence of the ledger. */
  async function settle(held: HeldTask, result: TaskResult, stopped: boolean): Promise<void> {
    const { task, attempt } = held
    const logBlob =
      !result.ok && !stopped && result.failure.log ? await options.keepLog(task, result.failure.log) : null
    const key = { task: task._id, attempt, worker: self }
    const write = async () => {
      if (result.ok) {
        const { output, outputs, output_path } = result
        return ledger.complete({ ...key, output, ...(outputs && { outputs }), ...(output_path && { output_path }) })
      }
      if (stopped) return ledger.release(key)
      const { failure } = result
      const backoff_ms = backoffMs({
        tries: Math.max(task.strikes.length, Math.min(TRIES_WITHOUT_STRIKES, task.failures.length)),
        baseMs: TASK_BACKOFF_MS.base,
        maxMs: TASK_BACKOFF_MS.max,
        rng,
      })
      const message = failure.message.slice(0, FAILURE_MESSAGE_BYTES)
      return ledger.fail({
        ...key,
        code: failure.code,
        message,
        log: logBlob,
        strike: !NO_STRIKE.has(failure.code),
        backoff_ms,
      })
    }
    // A stop must not wait 15 minutes for a database that is away: its claims then expire.
    const patienceMs = stopped ? 2_000 : undefined
    const outcome = await withPatience(write, {
      clock,
      rng,
      signal: new AbortController().signal,
      ...(patienceMs && { patienceMs }),
    })
    if (!result.ok && !stopped)
      log.warn('an attempt failed', {
        task: task._id,
        attempt,
        code: result.failure.code,
        message: result.failure.message,
      })
    if (outcome === 'done') {
      options.hints.publish({ what: result.ok ? 'decided' : 'tasks', video: task.video_id, task: task._id })
      return result.ok ? await emitWin(held) : undefined
    }
    log.info('superseded', { task: task._id, attempt })
    if (result.ok) await compare(task, result.output?.es_sha256)
  }

  /** What a second attempt was good for. */
  async function emitWin({ task, attempt }: HeldTask): Promise<void> {
    const slower = task.claims.find((claim) => claim.attempt !== attempt)
    if (!slower || !task.claims.some((claim) => claim.attempt === attempt && claim.speculative)) return
    const { _id, video_id: video } = task
    await options.emit({ code: 'backup_won', peer: self, video, task: _id, slower: slower.worker_id })
  }

  /** Two attempts that both finished must have come to the same stream: else one of the two machines, or builds, is wrong. */
  async function compare({ _id, video_id: video }: Task, mine: Sha256 | undefined): Promise<void> {
    const now = await ledger.task(_id).catch(() => null)
    const kept = now?.output?.es_sha256
    if (!mine || !kept || mine === kept || now.worker_id === null) return
    const results = { dropped: mine, kept, kept_peer: now.worker_id }
    await options.emit({ code: 'results_differ', peer: self, video, task: _id, ...results })
  }

  async function runAll(assigned: Assigned, run: Run): Promise<RunOutcome> {
    const ended = new AbortController()
    const renewing = renewWhile(run, ended.signal)
    const results = await execute(assigned, run)
    const stopped = run.controller.signal.aborted && run.controller.signal.reason?.message === STOPPED
    const lostAll = run.alive.size === 0
    const settled = await Promise.allSettled(
      results.map(async (result) => {
        const held = run.alive.get(result.task)
        // Settled by this very write: a renewal in between must not take it for lost.
        run.alive.delete(result.task)
        if (held) await settle(held, result, stopped)
      }),
    )
    ended.abort()
    await renewing
    for (const each of settled) {
      if (each.status === 'rejected')
        log.error('an attempt could not be settled; its claim will expire', { error: sentence(each.reason) })
    }
    return stopped || lostAll ? 'ended' : judge(results)
  }

  const giveBack = (): void => {
    for (const run of runs.keys()) run.controller.abort(new DOMException(STOPPED, 'AbortError'))
  }

  return {
    giveBack,
    run(assigned, { isUnwanted, ...how }) {
      const alive = new Map(assigned.map((held) => [held.task._id, held]))
      const run: Run = { ...how, alive, controller: new AbortController(), bell: createBell(clock), done: 0, speed: 0 }
      if (isStopped || isUnwanted) run.controller.abort(new DOMException(STOPPED, 'AbortError'))
      const ending = runAll(assigned, run).finally(() => runs.delete(run))
      runs.set(run, ending)
      return ending
    },
    recheck(what) {
      for (const run of runs.keys())
        if ([...run.alive.values()].some(({ task }) => task.video_id === what || task._id === what)) run.bell.ring()
    },
    running: () =>
      [...runs.keys()].flatMap((run) =>
        [...run.alive.values()].map(({ task, attempt }) => ({
          task: task._id,
          attempt,
          done: run.done,
          speed: run.speed,
        })),
      ),
    busy: () => [...runs.keys()].filter((run) => run.counted).length,
    async stop(drainMs) {
      const ending = Promise.allSettled(runs.values())
      if (drainMs > 0) await within(clock, drainMs, ending)
      isStopped = true
      giveBack()
      await ending
    },
  }
}

function judge(results: readonly TaskResult[]): RunOutcome {
  const codes = results.flatMap((result) => (result.ok ? [] : [result.failure.code]))
  if (codes.length === 0) return 'fine'
  // A refused source is as bad elsewhere.
  return codes.some((code) => !NO_STRIKE.has(code) && code !== 'source_refused') ? 'failed' : 'hindered'
}

/** What a runner threw, as the failure the ledger records. */
function asFailure(error: unknown): AttemptFailed {
  if (error instanceof AttemptFailed) return error
  if (isDiskFull(error)) return new AttemptFailed('disk_full', 'the disk is full', { cause: error })
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'input_missing' || code === 'ledger_away' || code === 'source_refused')
    return new AttemptFailed(code, sentence(error), { cause: error })
  return new AttemptFailed('unexpected', sentence(error), { cause: error })
}

/**
 * The one write that ends an attempt: `complete`, `fail` or `release`, retried while the ledger is unavailable. The result of a superseded
 * attempt is compared with the committed one and dropped; a different one becomes an audit of it that the leader has settled.
 */
import { isComparable } from '../../coordinator/policy/audits.ts'
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { type AttemptFailed, NO_STRIKE } from '../../protocol/errors.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { FAILURE_MESSAGE_BYTES, TASK_BACKOFF_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { createRetry } from '../../protocol/retry-until-deadline.ts'
import type { HeldTask, TaskResult } from '../../protocol/runner.ts'
import type { Task, TaskOutput } from '../../protocol/task.ts'
import { addAudit } from './superseded-result.ts'

/** The parts that settling uses. */
export interface SettlementModules {
  readonly ledger: Pick<Ledger, 'complete' | 'release' | 'fail' | 'task' | 'video' | 'insertTasks' | 'claimTask'>
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  /** Publishes `tasks` and `decided` after the writes. */
  readonly hints: Pick<Hints, 'publish'>
  /** Stores the log of a failure as a blob for people; null where that fails. */
  storeLog(task: Task, text: string): Promise<Sha256 | null>
}

/** Settles one attempt. `isStopped`: the worker stops, so that it is released. Rejects with `LedgerUnavailable` at the deadline. */
export type Settle = (held: HeldTask, result: TaskResult, isStopped: boolean) => Promise<void>

/** Failures without a strike (a missing input) wait at most `base · 2^this`: they are retried soon, but not in a loop. */
const TRIES_WITHOUT_STRIKES = 3
/** Retry deadline at a stop, which must not wait 15 minutes for an unavailable ledger: its claims expire then. */
const STOP_RETRY_MS = 2_000

/** Makes the function that settles attempts. */
export function createSettlement({ self }: { readonly self: PeerId }, modules: SettlementModules): Settle {
  const { ledger, clock, rng, log, emit, hints } = modules

  async function write({ task, attempt }: HeldTask, result: TaskResult, isStopped: boolean) {
    const key = { task: task._id, attempt, worker: self }
    const { signal } = new AbortController()
    const retry = createRetry({ clock, rng, signal, ...(isStopped && { deadlineMs: STOP_RETRY_MS }) })
    if (result.ok) {
      const { output, outputs, output_path } = result
      const done = { ...key, output, ...(outputs && { outputs }), ...(output_path && { output_path }) }
      return retry(() => ledger.complete(done))
    }
    if (isStopped) return retry(() => ledger.release(key))
    const { failure } = result
    const failed = { ...key, ...failureOf(failure), backoff_ms: retryAfterMs(task, failure, rng) }
    const logBlob = failure.log ? await modules.storeLog(task, failure.log) : null
    return retry(() => ledger.fail({ ...failed, log: logBlob }))
  }

  /** Emits an event where a backup attempt completed first. */
  async function emitWin({ task, attempt }: HeldTask): Promise<void> {
    const slower = task.claims.find((claim) => claim.attempt !== attempt)
    if (!slower || !task.claims.some((claim) => claim.attempt === attempt && claim.speculative)) return
    const { _id, video_id: video } = task
    await emit({ code: 'backup_won', peer: self, video, task: _id, slower: slower.worker_id })
  }

  /** Emits an event where two attempts made different streams: then one of the two machines or builds computes wrongly. */
  async function compare({ _id, video_id: video }: Task, mine: TaskOutput | null): Promise<void> {
    const now = await ledger.task(_id).catch(() => null)
    const committed = now?.output?.es_sha256
    if (!mine?.es_sha256 || !committed || mine.es_sha256 === committed || now.worker_id === null) return
    const results = { dropped: mine.es_sha256, committed, committed_by: now.worker_id }
    await emit({ code: 'results_differ', peer: self, video, task: _id, ...results })
    // Where a write is lost nothing is audited: the event stands.
    if (now.worker_id !== self && isComparable(now.class)) await addAudit({ self }, now, mine, modules).catch(() => {})
  }

  return async (held, result, isStopped) => {
    const { task, attempt } = held
    const outcome = await write(held, result, isStopped)
    if (!result.ok && !isStopped) {
      const { code, message } = result.failure
      log.warn('an attempt failed', { task: task._id, attempt, code, message })
    }
    if (outcome === 'done') {
      const about = { video: task.video_id, task: task._id }
      const hasFailed = !result.ok && !isStopped && !NO_STRIKE.has(result.failure.code)
      hints.publish({ what: result.ok ? 'decided' : 'tasks', ...about, ...(hasFailed && { peer: self }) })
      return result.ok ? emitWin(held) : undefined
    }
    log.info('an attempt was superseded', { task: task._id, attempt })
    if (result.ok) await compare(task, result.output)
  }
}

const failureOf = ({ code, message }: AttemptFailed) => ({
  code,
  message: message.slice(0, FAILURE_MESSAGE_BYTES),
  strike: !NO_STRIKE.has(code),
})

/** Ms until the next attempt. After a first strike another peer may try at once: this one pauses the film (`pauses.ts`). */
function retryAfterMs({ strikes, failures }: Task, { code }: AttemptFailed, rng: Rng): number {
  if (strikes.length === 0 && !NO_STRIKE.has(code)) return 0
  const tries = Math.max(strikes.length, Math.min(TRIES_WITHOUT_STRIKES, failures.length))
  return backoffMs({ tries, baseMs: TASK_BACKOFF_MS.base, maxMs: TASK_BACKOFF_MS.max, rng })
}

/** Classifies the end of a run: as outcomes for the circuit breaker, and as the failure that the ledger records. Pure. */
import { AttemptFailed, type FailureCode, FINAL, isDiskFull, NO_STRIKE, sentence } from '../../protocol/errors.ts'
import { saysTheSame } from '../../protocol/failure-words.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { HeldTask, TaskResult } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'

/** The outcome of an attempt. `failed`: maybe by a fault of the worker. `blocked`: by circumstances, or for the whole mesh. */
export type Outcome = 'succeeded' | 'failed' | 'blocked'

/** How the attempt at a task ended. */
export interface EndedTask {
  readonly task: Task
  readonly outcome: Outcome
  /** Whether another peer failed at it before with the same message: it then says nothing against this machine. */
  readonly isAgreed: boolean
}

/** How the attempts of a run ended, where it was neither stopped nor superseded. */
export function endsOf(held: readonly HeldTask[], results: readonly TaskResult[], self: PeerId): EndedTask[] {
  return results.flatMap((result) => {
    const task = held.find((each) => each.task._id === result.task)?.task
    return task ? [{ task, outcome: outcomeOf(result), isAgreed: isAgreed(task, result, self) }] : []
  })
}

function outcomeOf(result: TaskResult): Outcome {
  if (result.ok) return 'succeeded'
  // A refused source or recipe would fail on every peer.
  const { code } = result.failure
  return NO_STRIKE.has(code) || FINAL.has(code) ? 'blocked' : 'failed'
}

const isAgreed = ({ failures }: Task, result: TaskResult, self: PeerId): boolean =>
  !result.ok && failures.some((other) => other.worker_id !== self && saysTheSame(other, result.failure))

/** The failure that the ledger records for an error of a runner. */
export function asFailure(error: unknown): AttemptFailed {
  if (error instanceof AttemptFailed) return error
  if (isDiskFull(error)) return new AttemptFailed('disk_full', 'the disk is full', { cause: error })
  const code = (error as { code?: FailureCode } | null)?.code
  if (code !== undefined && (code === 'input_missing' || code === 'ledger_away' || FINAL.has(code)))
    return new AttemptFailed(code, sentence(error), { cause: error })
  return new AttemptFailed('unexpected', sentence(error), { cause: error })
}

/** What the results of a run say: about the worker that ran it, and as the failure that the ledger records. Pure. */
import { AttemptFailed, type FailureCode, FINAL, isDiskFull, NO_STRIKE, sentence } from '../../protocol/errors.ts'
import type { TaskResult } from '../../protocol/runner.ts'

/** `failed`: the worker itself did. `blocked`: circumstances did. `ended`: it was stopped, or lost to others. */
export type RunOutcome = 'succeeded' | 'failed' | 'blocked' | 'ended'

/** Of a run that came to its own end. */
export function outcomeOf(results: readonly TaskResult[]): Exclude<RunOutcome, 'ended'> {
  const codes = results.flatMap((result) => (result.ok ? [] : [result.failure.code]))
  if (codes.length === 0) return 'succeeded'
  // What is refused for good is as bad elsewhere.
  return codes.some((code) => !NO_STRIKE.has(code) && !FINAL.has(code)) ? 'failed' : 'blocked'
}

/** What a runner threw, as the failure the ledger records. */
export function asFailure(error: unknown): AttemptFailed {
  if (error instanceof AttemptFailed) return error
  if (isDiskFull(error)) return new AttemptFailed('disk_full', 'the disk is full', { cause: error })
  const code = (error as { code?: FailureCode } | null)?.code
  if (code !== undefined && (code === 'input_missing' || code === 'ledger_away' || FINAL.has(code)))
    return new AttemptFailed(code, sentence(error), { cause: error })
  return new AttemptFailed('unexpected', sentence(error), { cause: error })
}

/** Classifies the end of a run: as an outcome for the circuit breaker, and as the failure that the ledger records. Pure. */
import { AttemptFailed, type FailureCode, FINAL, isDiskFull, NO_STRIKE, sentence } from '../../protocol/errors.ts'
import type { TaskResult } from '../../protocol/runner.ts'

/** The outcome of a run. `failed`: by a fault of the worker. `blocked`: by circumstances. `ended`: stopped, or superseded. */
export type RunOutcome = 'succeeded' | 'failed' | 'blocked' | 'ended'

/** The outcome of a run that was not stopped. */
export function outcomeOf(results: readonly TaskResult[]): Exclude<RunOutcome, 'ended'> {
  const codes = results.flatMap((result) => (result.ok ? [] : [result.failure.code]))
  if (codes.length === 0) return 'succeeded'
  // A refused source or recipe would fail on every peer.
  return codes.some((code) => !NO_STRIKE.has(code) && !FINAL.has(code)) ? 'failed' : 'blocked'
}

/** The failure that the ledger records for an error of a runner. */
export function asFailure(error: unknown): AttemptFailed {
  if (error instanceof AttemptFailed) return error
  if (isDiskFull(error)) return new AttemptFailed('disk_full', 'the disk is full', { cause: error })
  const code = (error as { code?: FailureCode } | null)?.code
  if (code !== undefined && (code === 'input_missing' || code === 'ledger_away' || FINAL.has(code)))
    return new AttemptFailed(code, sentence(error), { cause: error })
  return new AttemptFailed('unexpected', sentence(error), { cause: error })
}

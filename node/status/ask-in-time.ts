/**
 * Asks the ledger with a deadline, for people who wait. Calls meanwhile wait for the same answer, so that requests do not pile up while a
 * database does not answer.
 */
import { type Clock, within } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'

/** The answer, or null and why the ledger gave none in time. */
export type Answer<T> = { readonly answer: T; readonly away: null } | { readonly answer: null; readonly away: string }

/** Makes the function. `ms`: deadline of the answer. It rejects as `ask`, except with `LedgerUnavailable`. */
export function createAskInTime<T>(options: {
  readonly clock: Clock
  readonly ms: number
  /** What is asked, for people. */
  readonly description: string
  ask(): Promise<T>
}): () => Promise<Answer<T>> {
  const { clock, ms, description } = options
  let late: Promise<T> | null = null
  return async () => {
    const asked = late ?? options.ask()
    try {
      const answer = await within(clock, ms, asked)
      if (answer !== 'late') {
        late = null
        return { answer, away: null }
      }
      late = asked
      return { answer: null, away: `${description} has not answered for ${ms / 1000} s` }
    } catch (error) {
      late = null
      if (error instanceof LedgerUnavailable) return { answer: null, away: error.message }
      throw error
    }
  }
}

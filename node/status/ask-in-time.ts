/**
 * Asking the ledger when somebody waits for a page: its answer, or in a few seconds that it is away. Who asks again meanwhile
 * waits for the same answer, so that questions do not pile up behind a database that stands still.
 */
import { type Clock, within } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'

export type Answer<T> = { readonly answer: T; readonly away: null } | { readonly answer: null; readonly away: string }

/** `ms`: how long anybody waits. What `ask` rejects with is passed on, but for `LedgerUnavailable`. */
export function createAskInTime<T>(options: {
  readonly clock: Clock
  readonly ms: number
  /** Whom one waits for, for people. */
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

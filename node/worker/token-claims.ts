/** Claims that survive a lost reply: after an error the result is unknown, and is read back by the token of the claim. */
import type { Clock, Rng } from '../../protocol/clock.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import type { Token } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { retryUntilDeadline } from '../../protocol/retry-until-deadline.ts'
import type { Assigned } from './attempts.ts'
import type { OutageGrace } from './outage-grace.ts'

/** The parts that claims use. */
export interface TokenClaimsModules {
  readonly ledger: Pick<Ledger, 'claimsByToken'>
  readonly clock: Clock
  readonly rng: Rng
  readonly grace: OutageGrace
  /** Ends the retries, when the worker stops. */
  readonly signal: AbortSignal
}

/** Calls `ask` with a new token; null: nothing was claimed. Rejects when the worker stops, and with errors other than `LedgerUnavailable`. */
export type ClaimWithToken = (ask: (token: Token) => Promise<Assigned | null>) => Promise<Assigned | null>

/** Makes the function that claims. */
export function createTokenClaims({ ledger, clock, rng, grace, signal }: TokenClaimsModules): ClaimWithToken {
  return async (ask) => {
    const token = rng.token() as Token
    try {
      return await ask(token)
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error
      const mine = await retryUntilDeadline(() => ledger.claimsByToken(token), { clock, rng, signal })
      grace.noticed()
      const held = mine.map((task) => ({ task, attempt: task.claims.find((claim) => claim.token === token)!.attempt }))
      return held.length > 0 ? (held as Assigned) : null
    }
  }
}

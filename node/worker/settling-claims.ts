/**
 * Claims of a coordinator without encode slots: only audits that settle a difference between the results of two other peers, where no third one
 * has claimed them. The leader names them (`coordinator/audits.ts`); a claim that fails is named again.
 */
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { type Assigned, heldBy } from './attempts.ts'
import type { ClaimWithToken } from './token-claims.ts'

/** The parts that the claims use. */
export interface SettlingClaimsModules {
  readonly ledger: Pick<Ledger, 'claimTask'>
  /** The audits that were named; each is removed when it is asked for. */
  readonly settling: Set<TaskId>
  /** Peers from which an input can be had now. */
  reachable(): readonly PeerId[]
  readonly claimWithToken: ClaimWithToken
}

/** Makes the function that claims one of them; null: there is none. */
export const createSettlingClaims =
  ({ self: worker }: { readonly self: PeerId }, modules: SettlingClaimsModules) =>
  async (): Promise<Assigned | null> => {
    const { ledger, settling, reachable, claimWithToken } = modules
    for (const task of settling) {
      settling.delete(task)
      const got = await claimWithToken(async (token) => {
        const present = reachable()
        const [held] = heldBy(await ledger.claimTask({ worker, token, task, present, from: 'pending' }))
        return held ? [held] : null
      })
      if (got) return got
    }
    return null
  }

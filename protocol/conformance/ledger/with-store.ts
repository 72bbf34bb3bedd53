/** A group of the ledger's tests on a store of its own, made before the first of them and destroyed after the last. */
import { after, before, describe } from 'node:test'
import { CLAIM_MS, LEASE_MS, type LedgerHarness, type StoreUnderTest } from './world.ts'

/** Answers the store of its group, once a test runs. */
export type Store = () => StoreUnderTest

export function withStore(harness: LedgerHarness, name: string, tests: (store: Store) => void): void {
  describe(name, () => {
    let store: StoreUnderTest
    before(async () => {
      store = await harness.create({ claimMs: CLAIM_MS, leaseMs: LEASE_MS })
    })
    after(() => store.destroy())
    tests(() => store)
  })
}

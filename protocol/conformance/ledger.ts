/**
 * The rules of the ledger's contract as one suite: every adapter passes it, the real ones against the real thing.
 *
 *   ledgerConformance('MongoDB', harness)
 *
 * In it: every row of the video and the task table from both sides of each compare, and that no other status changes
 * anything; the order of claims; lease and term; two-write events torn in the middle; words from outside as data; and random
 * interleavings of every operation against the reference model (`model/ledger-model.ts`).
 */
import { describe } from 'node:test'
import { claimSuite } from './ledger/claims.ts'
import { coordinationSuite } from './ledger/coordination.ts'
import { dataSuite } from './ledger/data.ts'
import { eventSuite } from './ledger/events.ts'
import { outcomeSuite } from './ledger/outcomes.ts'
import { partSuite } from './ledger/parts.ts'
import { type PropertyOptions, propertySuite } from './ledger/properties.ts'
import { reclaimSuite } from './ledger/reclaims.ts'
import { requestSuite } from './ledger/requests.ts'
import { taskSuite } from './ledger/tasks.ts'
import { tornSuite } from './ledger/torn.ts'
import { unfitSuite } from './ledger/unfit.ts'
import { videoSuite } from './ledger/videos.ts'
import { webhookSuite } from './ledger/webhooks.ts'
import { type LedgerHarness, type StoreUnderTest, Torn } from './ledger/world.ts'

export { type LedgerHarness, type PropertyOptions, type StoreUnderTest, Torn }

export function ledgerConformance(name: string, harness: LedgerHarness, properties: PropertyOptions): void {
  describe(`${name} meets the ledger's contract`, () => {
    videoSuite(harness)
    taskSuite(harness)
    claimSuite(harness)
    outcomeSuite(harness)
    partSuite(harness)
    reclaimSuite(harness)
    coordinationSuite(harness)
    eventSuite(harness)
    requestSuite(harness)
    webhookSuite(harness)
    tornSuite(harness)
    dataSuite(harness)
    unfitSuite(harness)
    propertySuite(harness, properties)
  })
}

/** The absences of `crowd-outage.test.ts` for as long as the promise says: 60 s, frozen and without power. */
import { test } from 'node:test'
import { crowd } from '../../ledger/crowd.fixture.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { CLAIM_MS, freezeAll, powerCut } from './crowd-outage.ts'

const MINUTE_MS = 60_000

for (const [what, fault] of [
  ['frozen', freezeAll],
  ['without power', powerCut],
] as const) {
  test(`a database ${what} for 60 s loses and doubles nothing`, async (t) => {
    await using mongod = await startMongod({ owned: true })
    const faults = () => fault(mongod, MINUTE_MS)
    t.diagnostic(await crowd({ kind: 'mongo', at: mongod.freshUri() }, 21, { faults, claimMs: CLAIM_MS }))
  })
}

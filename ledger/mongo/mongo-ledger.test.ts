/** The MongoDB adapter against the ledger's contract, on a real mongod. Without one the suite fails; it is never skipped. */
import { after, before } from 'node:test'
import { ledgerConformance } from '../../protocol/conformance/ledger.ts'
import type { LedgerOptions } from '../../protocol/ledger.ts'
import { type Mongod, startMongod } from '../../testing/tools/mongod.ts'
import { MongoHarness } from './mongo-harness.fixture.ts'

let mongod: Mongod
let harness: MongoHarness
before(async () => {
  mongod = await startMongod()
  harness = new MongoHarness(mongod)
})
after(async () => {
  await harness?.close()
  await mongod?.stop()
})

const all = process.env.REELMESH_ALL === '1'
const later = { create: (options: LedgerOptions) => harness.create(options) }
ledgerConformance('MongoDB', later, { runs: all ? 300 : 12, length: 60, compareEvery: 10 })

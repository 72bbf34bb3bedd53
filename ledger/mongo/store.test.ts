/** Calls that the driver never ends. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { silentLog } from '../../protocol/log.ts'
import { type Mongod, startMongod } from '../../testing/tools/mongod.ts'
import { inOurWords } from './connect-failure.ts'
import { Store } from './store.ts'

let mongod: Mongod
let store: Store

before(async () => {
  mongod = await startMongod()
  store = await opened()
})
after(async () => {
  await store?.close()
  await mongod?.stop()
})

async function opened(): Promise<Store> {
  const common = { clock: systemClock, rng: systemRng, log: silentLog, retryMs: 0, endedMs: 300 }
  const store = new Store({ url: mongod.uriOf('reelmesh_store'), ...common })
  await store.open(async () => {})
  return store
}

const count = () => store.run(() => store.notes.countDocuments())

test('a call that never ends is unavailable in time, and its connection goes with its client', async () => {
  const { client } = store.db
  const never = () => store.run(() => new Promise<never>(() => {}))
  const errors = await Promise.all([never(), never()].map((call) => call.catch((error: unknown) => error)))
  for (const error of errors)
    assert.match(String(inOurWords(error, 'the test')), /LedgerUnavailable: .*did not answer: no answer in 0.3 s/)
  assert.notEqual(store.db.client, client)
  await assert.rejects(client.db().command({ ping: 1 }), { name: 'MongoNotConnectedError' })
  assert.equal(await count(), 0)
  const second = store.db.client
  assert.equal(await count(), 0)
  assert.equal(store.db.client, second)
})

test('a call that never ends opens no ledger that was closed meanwhile', async () => {
  const brief = await opened()
  const call = brief.run(() => new Promise<never>(() => {}))
  await brief.close()
  await assert.rejects(call)
  assert.throws(() => brief.db, /is not open/)
})

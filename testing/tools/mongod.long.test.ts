import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MongoClient } from 'mongodb'
import { startMongod } from './mongod.ts'

test('of three members another takes the writes when the primary is killed', async () => {
  await using mongod = await startMongod({ members: 3 })
  const client = new MongoClient(mongod.freshUri(), { writeConcern: { w: 'majority', journal: true } })
  try {
    const things = client.db().collection<{ n: number }>('things')
    await things.insertOne({ n: 1 })
    const first = await mongod.primary()
    await first.kill()
    assert.notEqual((await mongod.primary()).port, first.port)
    await things.insertOne({ n: 2 })
    await mongod.start()
    assert.equal(mongod.pids.length, 3)
    assert.equal(await things.countDocuments(), 2)
  } finally {
    await client.close()
  }
})

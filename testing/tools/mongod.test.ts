import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { MongoClient } from 'mongodb'
import { startMongod } from './mongod.ts'

test('one member takes majority writes, keeps them through a SIGKILL, and leaves nothing when it is stopped', async () => {
  const mongod = await startMongod({ owned: true })
  const [pid] = mongod.pids
  assert.ok(pid)
  const client = new MongoClient(mongod.freshUri(), { writeConcern: { w: 'majority', journal: true } })
  try {
    const things = client.db().collection<{ n: number }>('things')
    await things.insertOne({ n: 1 })
    await mongod.kill()
    assert.deepEqual(mongod.pids, [])
    await mongod.start()
    assert.notEqual(mongod.pids[0], pid)
    assert.equal((await things.findOne())?.n, 1)
    await mongod.stopAndRestart()
    assert.equal((await things.findOne())?.n, 1)
  } finally {
    await client.close()
    await mongod.stop()
  }
  await mongod.stop()
  assert.equal(existsSync(`/proc/${pid}`), false)
})

test('two fresh databases are two', async () => {
  await using mongod = await startMongod()
  assert.notEqual(mongod.freshUri(), mongod.freshUri())
  assert.match(mongod.uriOf('films'), /\/films\?|\/films$/)
})

test('a server that does not answer is a failure in one sentence', async (t) => {
  const before = process.env.REELMESH_TEST_MONGODB_URI
  process.env.REELMESH_TEST_MONGODB_URI = 'mongodb://user:secret@127.0.0.1:9/?serverSelectionTimeoutMS=200'
  t.after(() => {
    if (before === undefined) delete process.env.REELMESH_TEST_MONGODB_URI
    else process.env.REELMESH_TEST_MONGODB_URI = before
  })
  await assert.rejects(startMongod(), (error: Error) => {
    assert.match(error.message, /takes no writes/)
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

test('a killed parent takes its server along', {
  skip: process.platform !== 'linux' && 'pdeathsig is of Linux',
}, async () => {
  const tool = fileURLToPath(new URL('./mongod.ts', import.meta.url))
  const code = `const { startMongod } = await import(process.argv[1]); console.log((await startMongod({ owned: true })).pids[0])`
  const parent = execa(process.execPath, ['--input-type=module', '-e', code, tool], {
    reject: false,
    stderr: 'inherit',
  })
  const [said] = await once(parent.stdout, 'data')
  const pid = Number(String(said))
  assert.ok(pid > 0 && existsSync(`/proc/${pid}`))
  parent.kill('SIGKILL')
  await parent
  for (let waited = 0; existsSync(`/proc/${pid}`) && waited < 5_000; waited += 20) await sleep(20)
  assert.equal(existsSync(`/proc/${pid}`), false)
})

/** What the hot calls look at in MongoDB, by the server's own profiler: it must not grow with what is finished. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Db } from 'mongodb'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { ANN, BOB, chunk, classOf, TERM, token, videoIn } from '../../protocol/conformance/ledger/world.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { OPEN_STATUSES, VIDEO_STATUSES } from '../../protocol/video.ts'
import { type Mongod, startMongod } from '../../testing/tools/mongod.ts'
import { MongoHarness } from './mongo-harness.fixture.ts'
import { createMongoLedger } from './mongo-ledger.ts'

let mongod: Mongod
let harness: MongoHarness
let ledger: Ledger
let db: Db
before(async () => {
  mongod = await startMongod()
  harness = new MongoHarness(mongod)
  const url = mongod.freshUri()
  ledger = createMongoLedger({ url, clock: systemClock, rng: systemRng, log: silentLog })
  await ledger.open()
  db = await harness.database(url)
})
after(async () => {
  await ledger?.close()
  await harness?.close()
  await mongod?.stop()
})

/** Keys and documents that the server looked at for a call's commands on the tasks, or on another collection. */
async function cost(
  call: () => Promise<unknown>,
  collection = 'chunks',
): Promise<{ keys: number; docs: number; calls: number }> {
  await db.command({ profile: 2 })
  await call()
  await db.command({ profile: 0 })
  const seen = await db
    .collection('system.profile')
    .find({ ns: `${db.databaseName}.${collection}` })
    .toArray()
  await db.collection('system.profile').drop()
  assert.ok(seen.length > 0)
  const sum = (field: string) => seen.reduce((total, one) => total + Number(one[field] ?? 0), 0)
  return { keys: sum('keysExamined'), docs: sum('docsExamined'), calls: seen.length }
}

test('a claim reads a handful of keys, an idle poll none, with 3,000 finished and 900 pending of three classes', async (t) => {
  const video = await videoIn(ledger, 'RUNNING')
  const resolutions = ['480p', '720p', '1080p'] as const
  await ledger.insertTasks(
    resolutions.flatMap((resolution) => Array.from({ length: 1_300 }, (_, n) => chunk(video, n, { resolution }))),
  )
  await db
    .collection('chunks')
    .updateMany({ chunk_id: { $lt: 1_000 }, kind: 'video' }, { $set: { status: 'COMPLETED' } })
  const classes = resolutions.map((resolution) => classOf(video._id, resolution))
  const ask = (from: 'pending' | 'expired' | 'backup', worker = ANN) =>
    ledger.claimNext({ worker, token: token(from), classes, present: [ANN, BOB], from })
  const pending = await cost(() => ask('pending'))
  assert.ok(pending.docs <= 2 && pending.keys <= 10, JSON.stringify(pending))
  const idle = { expired: await cost(() => ask('expired')), backup: await cost(() => ask('backup', BOB)) }
  assert.ok(idle.expired.keys <= 1 && idle.backup.keys <= 3, JSON.stringify(idle))
  const look = await cost(() => ledger.pendingClasses())
  assert.ok(look.docs <= 1 && look.keys <= 20, `pendingClasses ${JSON.stringify(look)}`)
  const [one] = await ledger.claimsByToken(token('pending'))
  await ledger.wantBackup(one!._id, { attempt: 1, term: TERM })
  const backup = await cost(() => ask('backup', BOB))
  assert.ok(backup.docs <= 3 && backup.keys <= 6, JSON.stringify(backup))
  const progress = await cost(() => ledger.progress([video._id]))
  assert.equal(progress.docs, 0)
  t.diagnostic(JSON.stringify({ pending, idle, look, backup, progress }))
})

test('a membership is renewed by one key, and read without looking at those that have expired', async (t) => {
  const expired = Array.from({ length: 500 }, (_, n) => ({ _id: `old ${n}` as never, expires_at: new Date(0) }))
  await db.collection('members').insertMany(expired)
  const renewed = await cost(() => ledger.addMember(ANN, 60_000), 'members')
  const read = await cost(() => ledger.members(), 'members')
  t.diagnostic(JSON.stringify({ renewed, read }))
  assert.ok(renewed.keys <= 1 && renewed.docs <= 1 && read.keys <= 2 && read.docs <= 1)
})

test('an event costs two short commands, and following costs what is new, beside 5,000 of before and 500 of an older version', async (t) => {
  const at = new Date(0)
  const old = { at, what: 'note', peer: null, video: null, text: 'old' }
  const numbered = Array.from({ length: 5_000 }, (_, n) => ({ ...old, _id: (n + 1) as never, token: `${n}` }))
  const unnumbered = Array.from({ length: 500 }, (_, n) => ({ ...old, _id: `text ${n}` as never }))
  await db.collection('events').insertMany([...numbered, ...unnumbered])
  const written = await cost(() => ledger.addEvent({ what: 'note', peer: null, video: null, text: 'new' }), 'events')
  const followed = await cost(async () => {
    const [event, ...more] = await ledger.eventsAfter(5_000, 100)
    assert.deepEqual([event?.n, event?.text, more.length], [5_001, 'new', 0])
  }, 'events')
  const quiet = await cost(() => ledger.eventsAfter(5_001, 100), 'events')
  const newest = await cost(() => ledger.events(10), 'events')
  t.diagnostic(JSON.stringify({ written, followed, quiet, newest }))
  assert.ok(written.calls <= 2 && written.docs <= 2 && written.keys <= 2)
  assert.ok(followed.docs <= 1 && followed.keys <= 1 && quiet.docs === 0 && newest.docs <= 10)
})

test('what the leader, control tasks and a restart query repeatedly reads what is open, with 3,000 finished tasks and 300 videos', async (t) => {
  for (const { _id } of await ledger.videos({ statuses: OPEN_STATUSES })) await ledger.cancel(_id)
  const open = await videoIn(ledger, 'RUNNING')
  const ended = await videoIn(ledger, 'RUNNING', { delivery: null })
  await ledger.insertTasks(Array.from({ length: 3_000 }, (_, n) => chunk(ended, n)))
  await ledger.cancel(ended._id)
  await db.collection('chunks').updateMany({ video_id: ended._id as never }, { $set: { status: 'COMPLETED' } })
  const { _id, ...video } = (await db.collection('videos').findOne({ _id: ended._id as never }))!
  const finished = Array.from({ length: 300 }, (_, n) => ({
    ...video,
    _id: `ended ${n}` as never,
    status: 'COMPLETED',
  }))
  await db.collection('videos').insertMany(finished)
  await db.collection('chunks').updateMany({ status: 'PENDING' }, { $set: { status: 'COMPLETED' } })
  await ledger.insertTasks([chunk(open, 0), chunk(open, 1)])
  await ledger.claimNext({ worker: ANN, token: token('runs'), classes: [classOf(open._id)], from: 'pending' })
  await ledger.sweep(TERM)
  const few = { docs: 20, keys: 30 }
  const calls = {
    running: () => ledger.tasks({ statuses: ['PROCESSING'] }),
    waiting: () => ledger.tasks({ kinds: ['video', 'audio'], statuses: ['PENDING'], limit: 1 }),
    controlTasks: () => ledger.tasks({ kinds: ['merge', 'ingest'], statuses: ['PENDING', 'PROCESSING'], limit: 256 }),
    failed: () => ledger.tasks({ statuses: ['PENDING'], tried: true }),
    lacking: () => ledger.tasks({ kinds: ['video', 'audio'], statuses: ['PENDING'], heldByNoneOf: [BOB] }),
    held: () => ledger.claimsOf(ANN),
    ofTry: () => ledger.claimsByToken(token('runs')),
    // Whichever are first: some of very many.
    sample: () => ledger.tasks({ video: ended._id, kinds: ['video'], statuses: ['COMPLETED'], limit: 10 }),
    completed: () => ledger.completedSince(Date.now() + 60_000),
    sweep: () => ledger.sweep(TERM),
  }
  const seen: Record<string, { keys: number; docs: number }> = {}
  for (const [what, call] of Object.entries(calls)) seen[what] = await cost(call)
  seen.videos = await cost(() => ledger.sweep(TERM), 'videos')
  seen.named = await cost(() => ledger.videos({ ids: [open._id], statuses: OPEN_STATUSES }), 'videos')
  const before = { created_at: (await ledger.now()) + 1, _id: open._id }
  seen.page = await cost(() => ledger.videos({ statuses: VIDEO_STATUSES, before, limit: 5 }), 'videos')
  seen.undelivered = await cost(() => ledger.undeliveredVideos(), 'videos')
  t.diagnostic(JSON.stringify(seen))
  for (const [what, { docs, keys }] of Object.entries(seen))
    assert.ok(docs <= few.docs && keys <= few.keys, `${what} looks at ${docs} documents and ${keys} keys`)
})

test('a sweep that finds nothing to repair asks about as often for 60 open videos as for one', async (t) => {
  for (const { _id } of await ledger.videos({ statuses: OPEN_STATUSES })) await ledger.cancel(_id)
  const open = async () => {
    const video = await videoIn(ledger, 'RUNNING')
    await ledger.insertTasks([chunk(video, 0)])
  }
  const calls: number[] = []
  for (const count of [1, 59]) {
    for (let n = 0; n < count; n++) await open()
    await ledger.sweep(TERM)
    assert.deepEqual(await ledger.sweep(TERM), { repaired: 0 })
    calls.push((await cost(() => ledger.sweep(TERM))).calls)
  }
  t.diagnostic(JSON.stringify(calls))
  // Longer answers come in several parts.
  assert.ok(calls[1]! <= calls[0]! + 4, `${calls}`)
})

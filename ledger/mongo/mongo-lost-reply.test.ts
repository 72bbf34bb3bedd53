/** A reply lost on the wire after the command was applied, and the command tried again: one effect, and the right answer. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import {
  ANN,
  BOB,
  chunk,
  claimedTask,
  output,
  pendingTask,
  plan,
  seenClaims,
  sha,
  submission,
  TERM,
  theTask,
  theVideo,
  token,
  videoIn,
} from '../../protocol/conformance/ledger/world.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { taskId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'
import { type Mongod, startMongod } from '../../testing/tools/mongod.ts'
import { createMongoLedger } from './mongo-ledger.ts'
import { ReplyEater } from './reply-eater.fixture.ts'

const DATABASE = 'reelmesh_lost_reply'
let mongod: Mongod
let eater: ReplyEater
let ledger: Ledger
const common = { clock: systemClock, rng: systemRng, log: silentLog }

before(async () => {
  mongod = await startMongod({ owned: true })
  eater = await ReplyEater.start(mongod.members[0]!.host)
  ledger = createMongoLedger({ url: eater.url(DATABASE), ...common })
  await ledger.open()
})
after(async () => {
  await ledger?.close()
  await eater?.stop()
  await mongod?.stop()
})

/** Makes the call with its replies eaten: the driver's own second try too, so that the adapter must find out by itself. */
async function withLostReply<T>(command: string, call: () => Promise<T>): Promise<T> {
  const { eaten } = eater
  eater.eat(command)
  const answer = await call()
  assert.equal(eater.eaten - eaten, 2, `${command} was not what this call sends`)
  return answer
}

const own = (task: { _id: string }) => ({ task: task._id as never, attempt: 1, worker: ANN })

test('a claim is adopted by its token', async () => {
  const task = await pendingTask(ledger)
  await ledger.insertTasks([{ ...chunk(await theVideo(ledger, task.video_id), 1) }])
  const ask = { worker: ANN, token: token('lost claim'), classes: [task.class], from: 'pending' } as const
  const got = await withLostReply('findAndModify', () => ledger.claimNext(ask))
  assert.ok(got.outcome === 'claimed')
  assert.deepEqual([got.task._id, got.attempt], [task._id, 1])
  assert.deepEqual(
    (await ledger.claimsByToken(ask.token)).map(({ _id }) => _id),
    [task._id],
  )
})

test('a sibling’s claim is found on the sibling', async () => {
  const task = await pendingTask(ledger)
  const got = await withLostReply('findAndModify', () =>
    ledger.claimTask({ worker: ANN, token: token('s'), task: task._id, from: 'free' }),
  )
  assert.equal(got.outcome === 'claimed' && got.attempt, 1)
  assert.equal((await theTask(ledger, task._id)).attempt, 1)
})

test('a completion is read back by its id', async () => {
  const task = await claimedTask(ledger)
  assert.equal(await withLostReply('update', () => ledger.complete({ ...own(task), output: output('o') })), 'done')
  assert.partialDeepStrictEqual(await theTask(ledger, task._id), {
    status: 'COMPLETED',
    completed_attempt: 1,
    output: output('o'),
  })
})

test('a failure counts once, and a renewal and a release are answered as done', async () => {
  const task = await claimedTask(ledger)
  assert.deepEqual(await withLostReply('update', () => ledger.renew(ANN, [own(task)])), { lost: [] })
  const failed = { ...own(task), code: 'encode_failed', message: 'no', log: null, strike: true, backoff_ms: 0 } as const
  assert.equal(await withLostReply('update', () => ledger.fail(failed)), 'done')
  const now = await theTask(ledger, task._id)
  assert.deepEqual([now.status, now.failures.length, now.strikes.length], ['PENDING', 1, 1])
  const other = await claimedTask(ledger)
  assert.equal(await withLostReply('update', () => ledger.release(own(other))), 'done')
})

test('a submission is one video with one delivery and one ingest task', async () => {
  const asked = submission()
  const { video } = await withLostReply('update', () => ledger.submit(asked))
  assert.equal(video.deliveries.length, 1)
  await withLostReply('insert', () =>
    ledger.submit(submission({ _id: asked._id, delivery: { peer: BOB, dir: '/bob', name: 'film' } })),
  )
  assert.deepEqual(
    (await theVideo(ledger, asked._id)).deliveries.map(({ dir }) => dir),
    ['/out', '/bob'],
  )
  assert.deepEqual(
    (await ledger.tasks({ video: asked._id })).map(({ _id, attempt }) => [_id, attempt]),
    [[taskId(asked._id, 'ingest'), 0]],
  )
})

test('an insert puts each task there once', async () => {
  const video = await videoIn(ledger, 'RUNNING')
  const tasks = Array.from({ length: 50 }, (_, n) => chunk(video, n))
  await withLostReply('insert', () => ledger.insertTasks(tasks))
  assert.equal((await ledger.tasks({ video: video._id, kinds: ['video'] })).length, 50)
  assert.deepEqual(await ledger.insertTasks(tasks), { inserted: 0 })
})

test('a plan and an ending are answered as changed to the caller that changed them', async () => {
  const video = await videoIn(ledger, 'PLANNING')
  assert.equal((await withLostReply('update', () => ledger.commitPlan(plan(video._id), 5))).outcome, 'committed')
  assert.equal(await withLostReply('update', () => ledger.startMerging(video._id, TERM)), 'changed')
  assert.equal(await withLostReply('update', () => ledger.cancel(video._id)), 'changed')
  assert.equal((await theVideo(ledger, video._id)).status, 'CANCELLED')
})

test('a reclaim strikes once', async () => {
  const task = await claimedTask(ledger)
  await withLostReply('update', () => ledger.reclaim(seenClaims(task), { term: TERM, strike: 'peer_died' }))
  assert.partialDeepStrictEqual(await theTask(ledger, task._id), {
    status: 'PENDING',
    strikes: [{ code: 'peer_died', worker_id: ANN, attempt: 1 }],
    attempt: 1,
  })
})

test('a lease is won once, by its nonce, and an event recorded once', async () => {
  const { nonce, term } = await withLostReply('findAndModify', () => ledger.acquireLease(ANN, 'my nonce'))
  assert.deepEqual([nonce, term], ['my nonce', 1])
  assert.equal(await withLostReply('update', () => ledger.renewLease(ANN, 1)), 'renewed')
  await withLostReply('findAndModify', () => ledger.addEvent({ what: 'leader', peer: ANN, video: null, text: 'once' }))
  assert.equal((await ledger.events(10)).length, 1)
})

test('a ledger that does not return in time is unavailable, with its address, and is used again when it is back', async () => {
  const cut = await ReplyEater.start(mongod.members[0]!.host)
  const url = cut.url(DATABASE, '&serverSelectionTimeoutMS=300')
  const brief = createMongoLedger({ url, ...common, retryMs: 500 })
  await brief.open()
  await cut.stop()
  await assert.rejects(
    brief.videos(),
    (error) => error instanceof LedgerUnavailable && /127\.0\.0\.1:\d+/.test(error.message),
  )
  await brief.close()
  const retrying = createMongoLedger({ url: mongod.uriOf(DATABASE), ...common })
  await retrying.open()
  const task = await claimedTask(retrying)
  const video = await theVideo(retrying, task.video_id)
  await mongod.kill()
  // Renewals and inserts are bulk writes, whose errors the driver wraps.
  const asked = [
    retrying.addVideoHolder(submission()._id, sha('x'), ANN),
    retrying.renew(ANN, [own(task)]),
    retrying.insertTasks([chunk(video, 1)]),
  ]
  await assert.rejects(
    Promise.race([...asked, systemClock.sleep(7_000).then(() => Promise.reject(new Error('still asked')))]),
    /still asked/,
  )
  await mongod.start()
  assert.deepEqual(await Promise.all(asked), ['unchanged', { lost: [] }, { inserted: 1 }])
  await retrying.close()
})

/** Whatever peers and people write is data: never an operator, a field path or a statement. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asPeerId, type PeerId, type TaskId } from '../../ids.ts'
import type { Ledger } from '../../ledger.ts'
import { withStore } from './with-store.ts'
import {
  chunk,
  input,
  type LedgerHarness,
  output,
  sha,
  submission,
  theTask,
  theVideo,
  token,
  videoIn,
} from './world.ts'

const HOSTILE = [
  '$5 lost',
  '$output.a',
  '$$NOW',
  '$$ROOT',
  '$set',
  `'; DROP TABLE chunks; --`,
  `"quoted" 'twice'`,
  '{"$ne": null}',
  '[1,2]',
  'null',
  '17',
  ':worker',
  '?1',
  'a\u0000b',
  'new\nline',
  'back\\slash',
  '.dotted.path',
  '%d',
  '🎬 é',
  '',
  ' '.repeat(3),
  '__proto__',
  'constructor',
]

/** Above every term that the leases of this store have reached. */
const HIGH_TERM = 1_000

export function dataSuite(harness: LedgerHarness): void {
  withStore(harness, 'words from outside', (store) => {
    for (const word of HOSTILE) {
      test(`${JSON.stringify(word)} is kept as it is, in every field`, async () => {
        const { ledger } = store()
        await videoWords(ledger, word)
        await taskWords(ledger, word)
        await meshWords(ledger, word)
      })
    }
  })
}

/** What a schema takes for a path or a peer, with as much of the word as may be in it. */
const pathOf = (word: string): string => word.replaceAll('\0', '') || 'x'
const peerOf = (word: string): PeerId => asPeerId(`12D3KooW${Buffer.from(word).toString('hex')}`)

async function videoWords(ledger: Ledger, word: string): Promise<void> {
  const path = pathOf(word)
  const delivery = { peer: peerOf(word), dir: `/${path}`, name: path }
  const holder = { sha256: sha('s'), bytes: 1, holders: [peerOf(word)] }
  const { video } = await ledger.submit(submission({ name: word, delivery, source: holder }))
  await ledger.submit(submission({ _id: video._id, delivery, source: holder }))
  const read = await theVideo(ledger, video._id)
  assert.deepEqual([read.name, read.deliveries, read.source], [word, [{ ...delivery, done_at: null }], holder])
  assert.equal(await ledger.nameDelivery(video._id, delivery, `${path}!`), 'changed')
  assert.equal(await ledger.finishDelivery(video._id, { ...delivery, name: `${path}!` }), 'changed')
  await ledger.failVideo(video._id, word, HIGH_TERM)
  assert.equal((await theVideo(ledger, video._id)).failure, word)
}

async function taskWords(ledger: Ledger, word: string): Promise<void> {
  const video = await videoIn(ledger, 'RUNNING')
  const worker = peerOf(word)
  const task = chunk(video, 0, {
    class: `${video._id}/${Buffer.from(word).toString('hex')}`,
    input: { ...input('i'), holders: [worker] },
  })
  await ledger.insertTasks([task])
  assert.ok((await ledger.pendingClasses()).includes(task.class))
  const claim = async () => {
    const got = await ledger.claimNext({
      worker,
      token: token(`${word}${video._id}`),
      classes: [task.class],
      from: 'pending',
    })
    assert.ok(got.outcome === 'claimed')
    return got.attempt
  }
  const attempt = await claim()
  await ledger.fail({
    task: task._id,
    attempt,
    worker,
    code: 'unexpected',
    message: word,
    log: null,
    strike: true,
    backoff_ms: 0,
  })
  await claim()
  assert.deepEqual(
    (await ledger.claimsByToken(token(`${word}${video._id}`))).map(({ _id }) => _id),
    [task._id],
  )
  assert.deepEqual(
    (await ledger.tasks({ worker, video: video._id })).map(({ _id }) => _id),
    [task._id],
  )
  assert.deepEqual(
    await ledger.renew(worker, [
      { task: task._id, attempt: 2 },
      { task: word as TaskId, attempt: 1 },
    ]),
    { lost: [{ task: word, attempt: 1 }] },
  )
  const seen = (await ledger.claimsOf(worker)).filter((claim) => claim.task === task._id)
  assert.deepEqual(await ledger.reclaim(seen, { term: HIGH_TERM, strike: 'peer_died' }), [task._id])
  await claim()
  const done = { ...output('o'), holders: [worker] }
  await ledger.complete({ task: task._id, attempt: 3, worker, output: done, output_path: word })
  assert.equal(await ledger.addTaskHolder(task._id, done.sha256, worker), 'unchanged')
  const read = await theTask(ledger, task._id)
  assert.deepEqual(
    [read.worker_id, read.output, read.output_path, read.failures[0]?.message, read.failures[0]?.worker_id],
    [worker, done, word, word, worker],
  )
  assert.deepEqual(read.strikes, [
    { code: 'unexpected', worker_id: worker },
    { code: 'peer_died', worker_id: worker, attempt: 2 },
  ])
}

async function meshWords(ledger: Ledger, word: string): Promise<void> {
  const me = peerOf(word)
  await ledger.setPeer(me, { reason: word })
  assert.equal((await ledger.peer(me)).reason, word)
  await ledger.addEvent({ what: 'note', peer: me, video: null, text: word })
  assert.partialDeepStrictEqual((await ledger.events(1))[0], { what: 'note', peer: me, text: word })
  const lease = await ledger.acquireLease(me, word)
  assert.deepEqual([lease.holder, lease.nonce], [me, word])
  assert.equal(await ledger.renewLease(me, lease.term), 'renewed')
  assert.equal(await ledger.releaseLease(me, lease.term), 'changed')
  assert.equal(await ledger.task(word as TaskId), null)
}

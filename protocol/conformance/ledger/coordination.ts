/** The lease, the term as a fence, peers and engines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asPeerId } from '../../ids.ts'
import type { Ledger } from '../../ledger.ts'
import { ENGINE_PEERS_MAX } from '../../limits.ts'
import { type Store, withStore } from './with-store.ts'
import {
  ANN,
  artifact,
  BOB,
  CAT,
  CLAIM_MS,
  chunk,
  claimedTask,
  everything,
  LEASE_MS,
  type LedgerHarness,
  pendingTask,
  seenClaims,
  taskIn,
  theTask,
  theVideo,
  token,
  videoIn,
} from './world.ts'

export function coordinationSuite(harness: LedgerHarness): void {
  withStore(harness, 'the lease', leaseTests)
  withStore(harness, 'the term', termTests)
  withStore(harness, 'peers and engines', peerTests)
}

function leaseTests(store: Store): void {
  test('of many who ask at once on an empty ledger one wins, and all are answered who', async () => {
    const handles = [store().ledger, await store().second()]
    const asks = Array.from({ length: 16 }, (_, n) => ({
      me: n % 2 ? ANN : BOB,
      nonce: `nonce ${n}`,
      ledger: handles[n % 2]!,
    }))
    assert.deepEqual(await store().ledger.lease(), { holder: null, nonce: '', term: 0, remaining_ms: 0 })
    const leases = await Promise.all(asks.map(({ ledger, me, nonce }) => ledger.acquireLease(me, nonce)))
    const won = asks.filter(({ nonce }, n) => leases[n]!.nonce === nonce)
    assert.equal(won.length, 1)
    for (const lease of leases)
      assert.deepEqual([lease.holder, lease.nonce, lease.term], [won[0]!.me, won[0]!.nonce, 1])
    assert.ok(leases[0]!.remaining_ms > LEASE_MS - 60_000 && leases[0]!.remaining_ms <= LEASE_MS)
    const { me, nonce, ledger } = won[0]!
    assert.equal((await ledger.acquireLease(me, nonce)).nonce, nonce)
    assert.equal(await ledger.releaseLease(me, 1), 'changed')
  })
  test('a lease is renewed by its holder, taken when it runs out, with the next term, and the deposed one is answered so', async () => {
    const { ledger, advance } = store()
    const { term } = await ledger.acquireLease(ANN, 'ann')
    await advance(LEASE_MS * 0.8)
    assert.equal(await ledger.renewLease(BOB, term), 'deposed')
    assert.equal(await ledger.renewLease(ANN, term + 1), 'deposed')
    assert.equal(await ledger.renewLease(ANN, term), 'renewed')
    await advance(LEASE_MS * 0.8)
    assert.equal((await ledger.acquireLease(BOB, 'bob')).holder, ANN)
    await advance(LEASE_MS * 0.4)
    const taken = await ledger.acquireLease(BOB, 'bob')
    assert.deepEqual([taken.holder, taken.nonce, taken.term], [BOB, 'bob', term + 1])
    assert.equal(await ledger.renewLease(ANN, term), 'deposed')
    assert.equal(await ledger.releaseLease(ANN, term), 'unchanged')
    assert.equal((await ledger.lease()).holder, BOB)
  })
  test('a released lease is free at once, and its term is not used again', async () => {
    const { ledger } = store()
    const { term } = await ledger.lease()
    assert.equal(await ledger.releaseLease(BOB, term), 'changed')
    assert.partialDeepStrictEqual(await ledger.lease(), { holder: null, remaining_ms: 0, term })
    assert.equal(await ledger.renewLease(BOB, term), 'deposed')
    assert.equal((await ledger.acquireLease(CAT, 'cat')).term, term + 1)
  })
  test('each name is a lease of its own, with its own holder and term', async () => {
    const { ledger } = store()
    const before = await ledger.lease()
    const [watch, other] = [`watch:${'a'.repeat(32)}/$in.put`, `deliver:${'b'.repeat(32)}`] as const
    assert.deepEqual(await ledger.lease(watch), { holder: null, nonce: '', term: 0, remaining_ms: 0 })
    assert.partialDeepStrictEqual(await ledger.acquireLease(ANN, 'ann', watch), { holder: ANN, nonce: 'ann', term: 1 })
    assert.equal((await ledger.acquireLease(BOB, 'bob', watch)).holder, ANN)
    assert.equal((await ledger.acquireLease(BOB, 'bob', other)).holder, BOB)
    assert.equal(await ledger.renewLease(ANN, 1, other), 'deposed')
    assert.equal(await ledger.renewLease(ANN, 1, watch), 'renewed')
    assert.equal(await ledger.releaseLease(ANN, 1, watch), 'changed')
    assert.equal((await ledger.acquireLease(CAT, 'cat', watch)).term, 2)
    const { remaining_ms: _, ...now } = await ledger.lease()
    assert.partialDeepStrictEqual(before, now, 'the leader’s is as it was')
    assert.equal(await ledger.releaseLease(CAT, 2, watch), 'changed')
    assert.equal(await ledger.releaseLease(BOB, 1, other), 'changed')
  })
  test('notes of a lease are any text, and are neither written nor removed by an older term', async () => {
    const { ledger } = store()
    const lease = `watch:${'c'.repeat(32)}/` as const
    const set = (key: string, text: string | null, term: number) => ledger.setNote({ lease, key, text, term })
    assert.equal((await ledger.notes(lease)).size, 0)
    assert.equal(await set('none', null, 1), 'unchanged')
    assert.equal(await set('$a.b/"c".mp4', '$4:5 x', 2), 'changed')
    assert.equal(await set('other', '1', 2), 'changed')
    assert.equal(await set('$a.b/"c".mp4', 'late', 1), 'unchanged')
    assert.equal(await set('$a.b/"c".mp4', null, 1), 'unchanged')
    assert.equal(await set('other', '2', 2), 'changed')
    assert.equal(await ledger.setNote({ lease: `${lease}x`, key: 'other', text: '9', term: 9 }), 'changed')
    assert.deepEqual(
      [...(await ledger.notes(lease))],
      [
        ['$a.b/"c".mp4', '$4:5 x'],
        ['other', '2'],
      ],
    )
    assert.equal(await set('other', null, 3), 'changed')
    assert.deepEqual([...(await ledger.notes(lease)).keys()], ['$a.b/"c".mp4'])
  })
  test('a clock that is set back delays neither the lease nor waiting tasks, and claims stay valid', async () => {
    const { ledger, advance } = store()
    await advance(LEASE_MS + 1)
    const earlier = await ledger.acquireLease(ANN, 'ann')
    const [waiting, tried, held] = [await pendingTask(ledger), await claimedTask(ledger), await claimedTask(ledger)]
    const failure = { code: 'encode_failed', message: 'no', log: null, strike: true, backoff_ms: 60_000 } as const
    await ledger.fail({ task: tried._id, attempt: 1, worker: tried.claims[0]!.worker_id, ...failure })
    await advance(-10 * CLAIM_MS)
    const near = await ledger.acquireLease(BOB, 'bob')
    assert.ok(near.holder === ANN && near.remaining_ms <= LEASE_MS, `${near.holder} for ${near.remaining_ms} ms`)
    assert.equal(await ledger.renewLease(ANN, earlier.term), 'renewed', 'who leads goes on')
    await advance(LEASE_MS + 1)
    const later = await ledger.acquireLease(BOB, 'bob')
    assert.deepEqual([later.holder, later.term], [BOB, earlier.term + 1])
    assert.equal((await ledger.acquireLease(CAT, 'cat')).holder, BOB)
    await ledger.stampTerm(later.term)
    assert.equal((await ledger.sweep(later.term)).repaired >= 3, true)
    assert.deepEqual(await ledger.sweep(later.term), { repaired: 0 })
    for (const { _id } of [waiting, tried]) {
      const got = await ledger.claimTask({ worker: CAT, token: token(_id), task: _id, from: 'pending' })
      assert.equal(got.outcome, 'claimed', _id)
    }
    const [claim] = (await theTask(ledger, held._id)).claims
    const { lost } = await ledger.renew(claim!.worker_id, [{ task: held._id, attempt: 1 }])
    assert.deepEqual(lost, [])
    await advance(CLAIM_MS + 1)
    const next = await ledger.claimTask({ worker: CAT, token: token('next'), task: held._id, from: 'free' })
    assert.equal(next.outcome, 'claimed')
    await ledger.releaseLease(BOB, later.term)
  })
}

/** Everything that a coordinator writes, on documents where each compare but the term holds. */
async function coordinatorWrites(ledger: Ledger): Promise<((term: number) => Promise<boolean>)[]> {
  const [running, merging, completed, failing] = [
    await videoIn(ledger, 'RUNNING'),
    await videoIn(ledger, 'MERGING'),
    await videoIn(ledger, 'COMPLETED'),
    await videoIn(ledger, 'RUNNING'),
  ]
  const [held, slow, done, pending] = [
    await claimedTask(ledger),
    await claimedTask(ledger),
    await taskIn(ledger, 'COMPLETED'),
    await pendingTask(ledger),
  ]
  return [
    async (term) => (await ledger.startMerging(running._id, term)) === 'changed',
    async (term) => (await ledger.completeVideo(merging._id, [artifact('x')], term)) === 'changed',
    async (term) => (await ledger.reopenVideo(completed._id, term)) === 'changed',
    async (term) => (await ledger.failVideo(failing._id, 'no', term)) === 'changed',
    async (term) =>
      (await ledger.reclaim(seenClaims(await theTask(ledger, held._id)), { term, strike: 'peer_died' })).length > 0,
    async (term) => (await ledger.wantBackup(slow._id, { attempt: 1, term })) === 'changed',
    async (term) => (await ledger.loseOutput(done._id, { completed_attempt: 1, term })) === 'changed',
    async (term) => (await ledger.failTask(pending._id, { strikes: 0, term })) === 'changed',
  ]
}

function termTests(store: Store): void {
  test('of two coordinators the deposed one’s writes change nothing, the other’s do', async () => {
    const { ledger, advance } = store()
    const other = await store().second()
    const old = await ledger.acquireLease(ANN, 'ann')
    const writes = await coordinatorWrites(ledger)
    await advance(LEASE_MS + 1)
    const now = await other.acquireLease(BOB, 'bob')
    assert.equal(now.term, old.term + 1)
    await other.stampTerm(now.term)
    const was = await everything(ledger)
    for (const write of writes) assert.equal(await write(old.term), false)
    await ledger.stampTerm(old.term)
    assert.deepEqual(await ledger.sweep(old.term), { repaired: 0 })
    assert.deepEqual(await everything(ledger), was)
    assert.equal(await ledger.renewLease(ANN, old.term), 'deposed')
    for (const [n, write] of writes.entries()) assert.equal(await write(now.term), true, `write ${n}`)
  })
  test('inserts carry the lease’s term; a stamp raises open and undelivered ones and leaves the rest', async () => {
    const { ledger, advance } = store()
    await advance(LEASE_MS + 1)
    const { term } = await ledger.acquireLease(CAT, 'cat')
    const [open, ended] = [await videoIn(ledger, 'RUNNING'), await videoIn(ledger, 'CANCELLED')]
    const delivered = await videoIn(ledger, 'COMPLETED')
    await ledger.finishDelivery(delivered._id, { peer: ANN, dir: '/out' })
    await ledger.insertTasks([chunk(open, 0)])
    assert.equal((await theTask(ledger, chunk(open, 0)._id)).coordinator_term, term)
    await ledger.stampTerm(term + 5)
    assert.equal((await theTask(ledger, chunk(open, 0)._id)).coordinator_term, term + 5)
    assert.equal((await theVideo(ledger, open._id)).coordinator_term, term + 5)
    for (const { _id } of [ended, delivered]) assert.ok((await theVideo(ledger, _id)).coordinator_term <= term)
  })
}

function peerTests(store: Store): void {
  test('a peer without a record is neither paused nor quarantined, and a change sets only its own fields', async () => {
    const { ledger } = store()
    const quarantine = { quarantined_until: null, quarantines: 0, reason: null }
    const blank = { _id: ANN, paused: false, draining: false, ...quarantine, audits_agreed: 0 }
    assert.deepEqual(await ledger.peer(ANN), blank)
    assert.deepEqual(await ledger.peers(), [])
    const until = (await ledger.now()) + 60_000
    await ledger.setPeer(ANN, { paused: true })
    await ledger.setPeer(ANN, { quarantined_until: until, reason: 'three bad tasks' })
    await ledger.setPeer(BOB, { audits_agreed: 2 })
    assert.deepEqual(await ledger.peers(), [
      { ...blank, paused: true, quarantined_until: until, reason: 'three bad tasks' },
      { ...blank, _id: BOB, audits_agreed: 2 },
    ])
    await ledger.setPeer(ANN, { paused: false, quarantined_until: null })
    assert.deepEqual(await ledger.peer(ANN), { ...blank, reason: 'three bad tasks' })
  })
  test('a peer is quarantined from now on for so long, while its record is as read', async () => {
    const { ledger } = store()
    const cat = () => ledger.peer(CAT)
    const spell = { ms: 60_000, quarantines: 1, reason: '$three tasks', seen: null }
    await ledger.setPeer(CAT, { paused: true })
    assert.equal(await ledger.quarantine(CAT, { ...spell, seen: 1 }), 'unchanged')
    assert.equal((await cat()).quarantined_until, null)
    assert.equal(await ledger.quarantine(CAT, spell), 'changed')
    const first = await cat()
    assert.partialDeepStrictEqual(first, { paused: true, quarantines: 1, reason: '$three tasks' })
    assert.ok(Math.abs((first.quarantined_until ?? 0) - 60_000 - (await ledger.now())) < 30_000)
    assert.equal(await ledger.quarantine(CAT, spell), 'unchanged', 'another leader was first')
    assert.equal(await ledger.quarantine(CAT, { ...spell, quarantines: 2, seen: first.quarantined_until }), 'changed')
    assert.equal((await cat()).quarantines, 2)
    const unknown = asPeerId('12D3KooWNobody')
    assert.equal(await ledger.quarantine(unknown, spell), 'changed', 'one without a record, too')
    assert.equal((await ledger.peer(unknown)).paused, false)
  })
  test('a member is listed until its membership expires, the last renewed first', async () => {
    const { ledger, advance } = store()
    assert.deepEqual(await ledger.members(), [])
    for (const [id, ms] of [
      [ANN, 60_000],
      [BOB, 90_000],
      [ANN, 120_000],
      [CAT, 500],
    ] as const)
      await ledger.addMember(id, ms)
    assert.deepEqual(await ledger.members(), [ANN, BOB, CAT])
    await advance(501)
    assert.deepEqual(await ledger.members(), [ANN, BOB])
  })
  test('an engine is known once a peer reaches it, each peer once and the newest last', async () => {
    const { ledger } = store()
    assert.deepEqual(await ledger.engines(), [])
    assert.equal(await ledger.setWanted('engine', { wanted: 3, reason: 'nobody reaches it', term: 1 }), 'unchanged')
    assert.deepEqual(await ledger.engines(), [])
    for (const [peer, is] of [
      [ANN, 'changed'],
      [BOB, 'changed'],
      [ANN, 'unchanged'],
    ] as const)
      assert.equal(await ledger.addEnginePeer('engine', peer), is)
    const others = Array.from({ length: ENGINE_PEERS_MAX }, (_, n) => asPeerId(`peer${n}`))
    await Promise.all(others.map((peer) => ledger.addEnginePeer('$where', peer)))
    await ledger.addEnginePeer('$where', CAT)
    const [first, second] = await ledger.engines()
    assert.deepEqual(second, { _id: 'engine', wanted: 0, reason: null, peers: [ANN, BOB], coordinator_term: 0 })
    assert.equal(first?._id, '$where')
    assert.equal(first.peers.length, ENGINE_PEERS_MAX)
    assert.equal(first.peers.at(-1), CAT)
  })
  test('an engine that a peer leaves is still known, with who else reaches it', async () => {
    const { ledger } = store()
    for (const peer of [ANN, BOB, CAT]) await ledger.addEnginePeer('left', peer)
    assert.equal(await ledger.removeEnginePeer('left', BOB), 'changed')
    assert.equal(await ledger.removeEnginePeer('left', BOB), 'unchanged')
    assert.equal(await ledger.removeEnginePeer('nowhere', ANN), 'unchanged')
    const left = async () => (await ledger.engines()).find(({ _id }) => _id === 'left')?.peers
    assert.deepEqual(await left(), [ANN, CAT])
    for (const peer of [ANN, CAT]) await ledger.removeEnginePeer('left', peer)
    assert.deepEqual(await left(), [])
    assert.equal(await ledger.addEnginePeer('left', BOB), 'changed')
    assert.deepEqual(await left(), [BOB])
  })
  test('a deposed leader wants nothing any more', async () => {
    const { ledger } = store()
    await ledger.addEnginePeer('fenced', ANN)
    const wanted = async () => (await ledger.engines()).find(({ _id }) => _id === 'fenced')
    assert.equal(await ledger.setWanted('fenced', { wanted: 2, reason: '$two', term: 7 }), 'changed')
    assert.equal(await ledger.setWanted('fenced', { wanted: 9, reason: 'nine', term: 6 }), 'unchanged')
    assert.deepEqual(await wanted(), { _id: 'fenced', wanted: 2, reason: '$two', peers: [ANN], coordinator_term: 7 })
    assert.equal(await ledger.setWanted('fenced', { wanted: 0, reason: 'none', term: 7 }), 'changed')
    assert.equal((await wanted())?.wanted, 0)
  })
}

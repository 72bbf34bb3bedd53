/** Requests with a key: who begins one, who gets its answer, and when it may begin anew. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Store, withStore } from './with-store.ts'
import { type LedgerHarness, sha, token } from './world.ts'

export const requestSuite = (harness: LedgerHarness): void => withStore(harness, 'requests', requestTests)

function requestTests(store: Store): void {
  const [mine, yours] = [token('mine'), token('yours')]
  const request = sha('what is asked')

  test('one of two that begin has the request, renews it, and its answer is given to all', async () => {
    const { ledger, advance } = store()
    const ask = { key: '$key', request, ms: 1_000 }
    const begun = await Promise.all([mine, yours].map((token) => ledger.beginRequest({ ...ask, token })))
    const winner = begun[0]!.token
    const loser = winner === mine ? yours : mine
    for (const kept of begun) assert.deepEqual(kept, { request, token: winner, answer: null })
    await advance(900)
    assert.equal((await ledger.beginRequest({ ...ask, token: winner })).token, winner)
    await advance(900)
    assert.equal((await ledger.beginRequest({ ...ask, token: loser })).token, winner, 'it was renewed')
    const end = { key: '$key', answer: '{"a":"$b"}', ms: 5_000 }
    assert.equal(await ledger.endRequest({ ...end, token: loser }), 'unchanged')
    assert.equal(await ledger.endRequest({ ...end, token: winner }), 'changed')
    assert.equal(await ledger.endRequest({ ...end, token: winner, answer: 'another' }), 'unchanged')
    for (const token of [mine, yours])
      assert.deepEqual(await ledger.beginRequest({ ...ask, request: sha('another'), token }), {
        request,
        token: winner,
        answer: end.answer,
      })
    await advance(5_001)
    const anew = await ledger.beginRequest({ ...ask, request: sha('another'), token: loser })
    assert.deepEqual(anew, { request: sha('another'), token: loser, answer: null })
  })
  test('a request that is not renewed, or is forgotten, may begin anew, and its first try changes nothing then', async () => {
    const { ledger, advance } = store()
    const ask = { key: 'a', request, ms: 1_000 }
    await ledger.beginRequest({ ...ask, token: mine })
    await advance(1_001)
    assert.equal((await ledger.beginRequest({ ...ask, token: yours })).token, yours)
    for (const answer of ['late', null])
      assert.equal(await ledger.endRequest({ key: 'a', token: mine, answer, ms: 1_000 }), 'unchanged')
    assert.equal(await ledger.endRequest({ key: 'a', token: yours, answer: null, ms: 1_000 }), 'changed')
    assert.equal((await ledger.beginRequest({ ...ask, token: mine })).token, mine)
  })
}

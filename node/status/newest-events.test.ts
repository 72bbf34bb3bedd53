/** What is read of the events, and what is kept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { createNewestEvents } from './newest-events.ts'

function stage() {
  const at = { now: 0 }
  const model = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const read = { ledger: model, lists: 0 }
  const events: Ledger['events'] = (limit) => {
    read.lists++
    return read.ledger.events(limit)
  }
  const newest = createNewestEvents(
    { events, eventsAfter: (n, limit) => read.ledger.eventsAfter(n, limit) },
    { mono: () => at.now },
  )
  const numbers = async () => (await newest()).map(({ n }) => n)
  const add = async (count: number) => {
    for (let n = 0; n < count; n++)
      await read.ledger.addEvent({ what: 'note', peer: null, video: null, text: 'something' })
  }
  return { at, read, numbers, add }
}

const upTo = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, at) => first + at)

test('what came since the last look is read, and the list is as long as before', async () => {
  const { read, numbers, add } = stage()
  assert.deepEqual(await numbers(), [])
  await add(2)
  assert.deepEqual(await numbers(), [1, 2])
  await add(1)
  assert.deepEqual(await Promise.all([numbers(), numbers()]), [upTo(1, 3), upTo(1, 3)])
  assert.deepEqual(await numbers(), upTo(1, 3))
  assert.equal(read.lists, 2)
  await add(499)
  assert.deepEqual(await numbers(), upTo(3, 502))
  await add(600)
  assert.deepEqual(await numbers(), upTo(603, 1_102))
})

test('after a minute all are read anew, as the database may be an older one', async () => {
  const { at, read, numbers, add } = stage()
  await add(3)
  assert.deepEqual(await numbers(), [1, 2, 3])
  read.ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  await add(1)
  at.now = 60_000
  assert.deepEqual(await numbers(), [1])
})

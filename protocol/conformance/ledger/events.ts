/** Events: numbers without a gap, whoever writes, in the order in which they can be read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ledger, LedgerEvent } from '../../ledger.ts'
import { type Store, withStore } from './with-store.ts'
import { ANN, BOB, freshVideoId, type LedgerHarness } from './world.ts'

const [WRITERS, EACH] = [8, 25]

export function eventSuite(harness: LedgerHarness): void {
  withStore(harness, 'events', eventTests)
  withStore(harness, 'events of many', crowdTests)
}

const numbers = (events: readonly LedgerEvent[]): number[] => events.map(({ n }) => n)
const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1)

function eventTests(store: Store): void {
  const video = freshVideoId()
  test('events are listed newest last, with their number and the ledger’s time', async () => {
    const { ledger } = store()
    assert.deepEqual([await ledger.events(5), await ledger.eventsAfter(0, 5)], [[], []])
    for (let n = 1; n <= 3; n++)
      await ledger.addEvent({
        what: n < 3 ? 'peer_lost' : 'failed',
        peer: n > 1 ? BOB : null,
        video: null,
        text: `$${n}`,
      })
    const events = await ledger.events(2)
    assert.deepEqual(
      events.map(({ at: _at, ...event }) => event),
      [
        { n: 2, what: 'peer_lost', peer: BOB, video: null, text: '$2' },
        { n: 3, what: 'failed', peer: BOB, video: null, text: '$3' },
      ],
    )
    assert.ok(Math.abs(events[0]!.at - (await ledger.now())) < 60_000)
    await ledger.addEvent({ what: 'long', peer: ANN, video, text: 'x'.repeat(100_000) })
    assert.ok((await ledger.events(1))[0]!.text.length < 1_000)
  })
  test('events are read on from a number, also by another handle', async () => {
    const other = await store().second()
    assert.deepEqual(numbers(await other.eventsAfter(0, 10)), [1, 2, 3, 4])
    assert.deepEqual(numbers(await other.eventsAfter(1, 2)), [2, 3])
    assert.deepEqual(await other.eventsAfter(4, 10), [])
    await other.addEvent({ what: 'note', peer: null, video, text: 'five' })
    assert.deepEqual(numbers(await store().ledger.eventsAfter(4, 10)), [5])
  })
  test('events are found by number, time, video and code', async () => {
    const { ledger } = store()
    const found = async (query: Parameters<Ledger['events']>[1]) => numbers(await ledger.events(10, query))
    assert.deepEqual(await found({ video }), [4, 5])
    assert.deepEqual(await found({ what: ['failed', 'note', '$no'] }), [3, 5])
    assert.deepEqual(await found({ what: [] }), [])
    assert.deepEqual(await found({ before: 3 }), [1, 2])
    assert.deepEqual(await found({ before: 5, video }), [4])
    const [{ at: since }] = (await ledger.eventsAfter(3, 1)) as [LedgerEvent]
    const all = await ledger.events(10)
    assert.deepEqual(await found({ since }), numbers(all.filter(({ at }) => at >= since)))
    assert.deepEqual(await found({ until: since }), numbers(all.filter(({ at }) => at < since)))
    assert.deepEqual(await found({ since: since + 3_600_000 }), [])
    assert.deepEqual(numbers(await ledger.events(1, { video })), [5])
  })
}

function crowdTests(store: Store): void {
  test('the numbers of many writers have no gap, and who follows them misses none', async () => {
    const writers = await Promise.all(upTo(WRITERS).map(() => store().second()))
    const reader = await store().second()
    const seen: LedgerEvent[] = []
    const written = Promise.all(
      writers.map(async (ledger, writer) => {
        for (let n = 0; n < EACH; n++)
          await ledger.addEvent({ what: 'note', peer: null, video: null, text: `${writer} ${n}` })
      }),
    )
    while ((seen.at(-1)?.n ?? 0) < WRITERS * EACH) seen.push(...(await reader.eventsAfter(seen.at(-1)?.n ?? 0, 7)))
    await written
    assert.deepEqual(numbers(seen), upTo(WRITERS * EACH))
    for (let writer = 0; writer < WRITERS; writer++)
      assert.deepEqual(
        seen.map(({ text }) => text).filter((text) => text.startsWith(`${writer} `)),
        Array.from({ length: EACH }, (_, n) => `${writer} ${n}`),
      )
  })
}

/** The feed of events: what readers are given from memory and from the ledger, what is said of what is gone, and what it costs the ledger. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { EVENT_READERS_MAX } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { createEventFeed, type EventFeed, type EventReader } from './event-feed.ts'

const VIDEO = '0123456789abcdef' as VideoId
const [POLL_MS, KEEP_ALIVE_MS] = [500, 15_000]

let ledger: Ledger
/** Numbers behind which the ledger was asked for events. */
let asked: number[]
let forgotten: number
let isAway: boolean
let pass: (ms: number) => Promise<void>
let feed: EventFeed

beforeEach(() => {
  const model = createLedgerModel({ now: () => 7, claimMs: 1, leaseMs: 1 })
  ;[asked, forgotten, isAway] = [[], 0, false]
  ledger = {
    ...model,
    eventsAfter: async (n, limit) => {
      asked.push(n)
      if (isAway) throw new LedgerUnavailable('away')
      return await model.eventsAfter(Math.max(n, forgotten), limit)
    },
  }
  let now = 0
  const sleepers = new Set<{ readonly at: number; wake(): void }>()
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const sleeper = { at: now + ms, wake: resolve }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  pass = async (ms) => {
    for (const end = now + ms; now < end; ) {
      now = Math.min(end, ...[...sleepers].map(({ at }) => at).filter((at) => at > now))
      for (const sleeper of sleepers) if (sleeper.at <= now && sleepers.delete(sleeper)) sleeper.wake()
      await new Promise(setImmediate)
    }
  }
  feed = createEventFeed({
    ledger,
    clock: { now: () => now, mono: () => now, sleep, timer: () => () => {} },
    log: silentLog,
  })
})

const add = async (...texts: string[]) => {
  for (const text of texts)
    await ledger.addEvent({ what: 'note', peer: null, video: text.startsWith('v') ? VIDEO : null, text })
}

/** Opens, and passes over the beginning. */
async function open(after: number | null, filter: Parameters<EventFeed['open']>[1] = {}): Promise<EventReader> {
  const reader = await feed.open(after, filter)
  assert.match(textOf(await reader.next()), /^retry: \d+\nid: \d+\n\n$/)
  return reader
}
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
/** The events of the next part as `n text`; of one without data its id, of a gap its bounds. */
async function part(reader: EventReader): Promise<string[]> {
  const blocks = textOf(await reader.next())
    .split('\n\n')
    .slice(0, -1)
  return blocks.map((block) => {
    const [, id] = /^id: (\d+)$/m.exec(block) ?? []
    const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') as {
      text?: string
      after?: number
      next?: number
    }
    if (/^event: gap$/m.test(block)) return `gap ${data.after} ${data.next}, id ${id}`
    return data === null ? `id ${id}` : `${id} ${data.text}`
  })
}

test('a reader gets what comes from now on, and one that comes back what came meanwhile', async () => {
  await add('one', 'two')
  const reader = await open(null)
  const coming = part(reader)
  await add('three')
  await pass(POLL_MS)
  assert.deepEqual(await coming, ['3 three'])
  reader.close()
  assert.deepEqual(await part(await open(1)), ['2 two', '3 three'])
})

test('many readers cost the ledger one look, and share their bytes', async () => {
  const readers = await Promise.all(Array.from({ length: 50 }, () => open(null)))
  asked.length = 0
  const coming = readers.map((reader) => reader.next())
  await add('one')
  await pass(POLL_MS)
  assert.equal(new Set(await Promise.all(coming)).size, 1)
  assert.ok(asked.length <= 2, `asked ${asked.length} times`)
  for (const reader of readers) reader.close()
  asked.length = 0
  await pass(10 * POLL_MS)
  assert.deepEqual(asked, [], 'without readers nothing is asked')
})

test('who is far behind is given all from the ledger in parts, then what is new', async () => {
  const texts = Array.from({ length: 600 }, (_, n) => `event ${n + 1}`)
  await add(...texts)
  const reader = await open(0)
  const seen: string[] = []
  for (let parts = 0; parts < 6; parts++) seen.push(...(await part(reader)))
  assert.deepEqual(
    seen,
    texts.map((text, n) => `${n + 1} ${text}`),
  )
  const coming = part(reader)
  await add('new')
  await pass(POLL_MS)
  assert.deepEqual(await coming, ['601 new'])
})

test('a slow reader misses nothing that has gone from memory', async () => {
  const [slow, quick] = [await open(null), await open(null)]
  let seen = 0
  for (let n = 0; n < 10; n++) {
    await add(...Array.from({ length: 50 }, () => 'x'))
    await pass(POLL_MS)
    seen += (await part(quick)).length
  }
  assert.equal(seen, 500)
  const got: string[] = []
  for (let parts = 0; got.length < 500 && parts < 10; parts++) got.push(...(await part(slow)))
  assert.deepEqual([got[0], got.at(-1), got.length], ['1 x', '500 x', 500])
})

test('what is no longer kept is said, for a reader that comes back and for one that is there', async () => {
  await add('one', 'two', 'three', 'four')
  forgotten = 2
  const reader = await open(1)
  assert.deepEqual(await part(reader), ['gap 1 3, id 2', '3 three', '4 four'])
  await add('five', 'six')
  forgotten = 5
  const coming = part(reader)
  await pass(POLL_MS)
  assert.deepEqual(await coming, ['gap 4 6, id 5', '6 six'])
})

test('a number that the ledger has not is waited for, then all that it has is sent', async () => {
  await add('one', 'two')
  const [early, foreign] = [await open(3), await open(100)]
  const later = part(early)
  await add('three', 'four')
  await pass(POLL_MS)
  assert.deepEqual(await later, ['4 four'])
  const coming = part(foreign)
  await pass(KEEP_ALIVE_MS)
  assert.deepEqual(await coming, ['id undefined'], 'a comment')
  assert.deepEqual(await part(foreign), ['gap 100 1, id 0'])
  assert.deepEqual(await part(foreign), ['1 one', '2 two', '3 three', '4 four'])
})

test('a reader gets only what it wants, and the number of what it does not', async () => {
  const [video, codes] = [await open(null, { video: VIDEO }), await open(null, { what: ['leader'] })]
  const coming = [part(video), part(codes)]
  await add('v one', 'two')
  await pass(POLL_MS)
  assert.deepEqual(await Promise.all(coming), [['1 v one', 'id 2'], ['id 2']])
})

test('where nothing happens the connection is kept, and after an outage of the ledger readers go on', async () => {
  const reader = await open(null)
  const coming = reader.next()
  await pass(KEEP_ALIVE_MS)
  assert.equal(textOf(await coming), ':\n\n')
  isAway = true
  const later = part(reader)
  await add('one')
  await pass(10 * POLL_MS)
  isAway = false
  await pass(POLL_MS)
  assert.deepEqual(await later, ['1 one'])
})

test('a reader beyond the bound is refused until another one goes', async () => {
  const readers = await Promise.all(Array.from({ length: EVENT_READERS_MAX }, () => feed.open(null, {})))
  await assert.rejects(feed.open(null, {}), { code: 'too_many_readers', status: 503 })
  readers[0]!.close()
  readers[0]!.close()
  await feed.open(null, {})
  await assert.rejects(feed.open(null, {}), { code: 'too_many_readers' })
})

test('where the ledger does not answer at the start the reader is refused, and holds no place', async () => {
  const { events } = ledger
  ledger.events = async () => Promise.reject(new LedgerUnavailable('away'))
  await assert.rejects(feed.open(null, {}), LedgerUnavailable)
  ledger.events = events
  const reader = await open(null)
  const coming = part(reader)
  await add('one')
  await pass(POLL_MS)
  assert.deepEqual(await coming, ['1 one'])
})

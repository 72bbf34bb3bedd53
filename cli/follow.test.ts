/** Waiting for videos: those that a snapshot does not show, those that are gone, and a ledger that is away meanwhile. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LedgerUnavailable, UsageError } from '../protocol/errors.ts'
import { asPeerId, type VideoId } from '../protocol/ids.ts'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import type { Delivery } from '../protocol/video.ts'
import { follow } from './follow.ts'
import type { Reporter } from './report.ts'

const self = asPeerId(`12D3KooW${'a'.repeat(44)}`)
const idOf = (at: number) => at.toString(16).padStart(16, '0') as VideoId
const delivered = (id: VideoId) =>
  ({
    id,
    status: 'COMPLETED',
    deliveries: [{ peer: self, dir: '/out', name: 'film', done_at: 1 }],
  }) as unknown as VideoRow

function stage(row: (id: VideoId) => Promise<VideoRow | null>) {
  const reported: VideoId[] = []
  const reporter = { progress() {}, delivered: ({ id }: VideoRow) => void reported.push(id) } as unknown as Reporter
  const snapshot = async () => ({ self, videos: [], ledger: { away: null } }) as unknown as StatusSnapshot
  return {
    reported,
    run: (ids: readonly VideoId[]) => follow({ wanted: new Set(ids), out: '/out', reporter, lookMs: 1, snapshot, row }),
  }
}

test('videos that no snapshot shows are asked for by name, all of them in turn', async () => {
  const ids = Array.from({ length: 45 }, (_, at) => idOf(at))
  const waiting = new Set(ids.slice(0, 30))
  const { reported, run } = stage(async (id) => {
    if (!waiting.delete(id)) return delivered(id)
    return { id, status: 'QUEUED', deliveries: [] } as unknown as VideoRow
  })
  assert.equal(await run(ids), 0)
  assert.deepEqual(reported.sort(), ids)
})

test('one that the ledger no longer knows ends the wait with a sentence', async () => {
  const { run } = stage(async () => null)
  await assert.rejects(run([idOf(7)]), (error) => error instanceof UsageError && error.message.includes(idOf(7)))
})

test('a ledger that becomes unavailable between two calls is waited for', async () => {
  let asked = 0
  const { reported, run } = stage(async (id) => {
    if (asked++ === 0) throw new LedgerUnavailable('it does not answer')
    return delivered(id)
  })
  assert.equal(await run([idOf(1)]), 0)
  assert.deepEqual(reported, [idOf(1)])
})

test('a film that is wanted under one more name is waited for until it has that one too', async () => {
  const id = '0123456789abcdef' as VideoId
  const first = { peer: self, dir: '/out', name: 'film', done_at: 7 }
  const looks: Delivery[][] = [
    [first, { ...first, name: 'second', done_at: null }],
    [first, { ...first, name: 'second', done_at: 8 }, { ...first, name: 'elsewhere', dir: '/other', done_at: null }],
  ]
  const reported: string[] = []
  const code = await follow({
    wanted: new Set([id]),
    out: '/out',
    reporter: {
      progress: () => {},
      delivered: (_: unknown, all: Delivery[]) => reported.push(...all.map(({ name }) => name)),
    } as never,
    lookMs: 1,
    snapshot: async () =>
      ({
        self,
        ledger: { away: null },
        videos: [{ id, status: 'COMPLETED', deliveries: looks.shift() }],
      }) as unknown as StatusSnapshot,
    row: async () => null,
  })
  assert.deepEqual([code, reported, looks.length], [0, ['second'], 0])
})

test('snapshots that take long are asked for less often, while more than one video is waited for', async () => {
  const looks: number[] = []
  const snapshot = async () => {
    looks.push(performance.now())
    await new Promise((resolve) => setTimeout(resolve, 30))
    const videos = [2, 3].filter((n) => looks.length > n).map((n) => delivered(idOf(n)))
    return { self, videos, ledger: { away: null } } as unknown as StatusSnapshot
  }
  const row = async (id: VideoId) => ({ id, status: 'QUEUED', deliveries: [] }) as unknown as VideoRow
  const reporter = { progress() {}, delivered() {} } as unknown as Reporter
  await follow({ wanted: new Set([idOf(2), idOf(3)]), out: '/out', reporter, lookMs: 1, snapshot, row })
  assert.ok(looks[2]! - looks[0]! >= 600, `${looks}`)
  assert.equal(looks.length, 4)
})

test('what changes is looked at before the interval is over', async () => {
  const id = idOf(1)
  let status = 'RUNNING'
  const waited: number[] = []
  const code = await follow({
    wanted: new Set([id]),
    out: '/out',
    reporter: { progress() {}, delivered() {} } as unknown as Reporter,
    lookMs: 3_600_000,
    wait: async (ms) => {
      waited.push(ms)
      status = 'COMPLETED'
    },
    snapshot: async () =>
      ({ self, videos: [{ ...delivered(id), status }], ledger: { away: null } }) as unknown as StatusSnapshot,
    row: async () => null,
  })
  assert.deepEqual([code, waited.length], [0, 1])
})

test('equal films are reported under each name that was asked for, and under no other', async () => {
  const id = '0123456789abcdef' as VideoId
  const under = (name: string, done_at: number | null) => ({ peer: self, dir: '/out', name, done_at })
  const looks = [
    [under('earlier', 1), under('one', 7), under(`two-${id}`, null)],
    [under('earlier', 1), under('one', 7), under(`two-${id}`, 8)],
  ]
  const reported: string[] = []
  const code = await follow({
    wanted: new Set([id]),
    out: '/out',
    names: new Map([[id, ['one', 'two']]]),
    reporter: {
      progress: () => {},
      delivered: (_: unknown, all: Delivery[]) => reported.push(...all.map(({ name }) => name)),
    } as never,
    lookMs: 1,
    snapshot: async () => ({ self, ledger: { away: null }, videos: [] }) as unknown as StatusSnapshot,
    row: async () => ({ id, status: 'COMPLETED', deliveries: looks.shift() }) as unknown as VideoRow,
  })
  assert.deepEqual([code, reported], [0, ['one', `two-${id}`]])
})

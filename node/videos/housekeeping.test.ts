/** What a peer keeps of a video, and that it forgets only its own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asPeerId, asSha256, type VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { FAILED_RETENTION_MS } from '../../protocol/limits.ts'
import { VIDEO_STATUSES, type Video } from '../../protocol/video.ts'
import { systemClock } from '../host/system-clock.ts'
import { runHousekeeping, whatToRetain } from './housekeeping.ts'
import { createPendingSubmits, type PendingSubmits } from './pending-submits.ts'
import { aVideo } from './video.fixture.ts'

const id = '0123456789abcdef' as VideoId
const sha256 = asSha256('a'.repeat(64))
const me = asPeerId('12D3KooW')
const pending = (...videos: string[]) => {
  const submits = createPendingSubmits(systemClock)
  for (const each of videos) submits.begin(each)
  return submits
}
const delivery = (done_at: number | null) => ({ peer: me, dir: '/out', name: 'film', done_at })
const video = (change: Partial<Video>): Video =>
  aVideo({
    _id: id,
    outputs: [{ path: '480p/{name}.mp4', media_type: 'video/mp4', sha256, bytes: 1, holders: [] }],
    ...change,
  })

describe('of a video a peer keeps', () => {
  it('all while it is open', () => {
    for (const status of ['QUEUED', 'PLANNING', 'RUNNING', 'MERGING'] as const) {
      assert.equal(whatToRetain(video({ status }), 1e15), 'all')
    }
  })

  it('the results once it is COMPLETED, until every delivery is recorded', () => {
    const kept = (...done: (number | null)[]) =>
      whatToRetain(video({ status: 'COMPLETED', deliveries: done.map(delivery) }), 10)
    assert.deepEqual(
      [kept(), kept(null), kept(5, null), kept(5), kept(5, 6)],
      ['results', 'results', 'results', 'nothing', 'nothing'],
    )
  })

  it('all of one that ended badly for a day, for a retry', () => {
    for (const status of ['FAILED', 'CANCELLED'] as const) {
      assert.equal(whatToRetain(video({ status, ended_at: 1 }), 1 + FAILED_RETENTION_MS), 'all')
      assert.equal(whatToRetain(video({ status, ended_at: 1 }), 2 + FAILED_RETENTION_MS), 'nothing')
      assert.equal(whatToRetain(video({ status, ended_at: null }), 1e15), 'all')
    }
  })

  it('nothing where the ledger does not know it', () => assert.equal(whatToRetain(null, 0), 'nothing'))

  it('something definite in every state', () => {
    for (const status of VIDEO_STATUSES) assert.match(whatToRetain(video({ status }), 0), /^(?:all|results|nothing)$/)
  })
})

describe('a pass over the store', () => {
  const pass = async (known: Video | null, pendingSubmits: string[] = []) => {
    const calls: string[] = []
    const store = {
      videos: async () => [id],
      room: async () => ({ freeBytes: 1e12, totalBytes: 1e12 }),
      drop: async (each: VideoId) => void calls.push(`drop ${each}`),
      prune: async (_: VideoId, keep: ReadonlySet<string>) => void calls.push(`prune but ${[...keep].length}`),
    }
    const ledger = { now: async () => 10, videos: async () => (known ? [known] : []) } as Partial<Ledger> as Ledger
    await runHousekeeping({
      self: me,
      ledger,
      store: store as never,
      clock: systemClock,
      pendingSubmits: pending(...pendingSubmits),
    })
    return calls
  }

  it('drops, prunes or leaves', async () => {
    assert.deepEqual(await pass(video({})), [])
    assert.deepEqual(await pass(null), [`drop ${id}`])
    assert.deepEqual(await pass(video({ status: 'COMPLETED' })), ['prune but 1'])
    assert.deepEqual(await pass(video({ status: 'COMPLETED', deliveries: [delivery(1)] })), [`drop ${id}`])
  })

  it('lets fetched inputs go when room is short, but none that others look for here, and none that is being encoded', async () => {
    const blob = (letter: string) => asSha256(letter.repeat(64))
    const of = (letter: string, holders: readonly string[]) => ({ sha256: blob(letter), bytes: 1, holders })
    const claimed = [{ worker_id: me }]
    const tasks = [
      { input: of('1', ['far']), output: of('a', [me]), claims: [] },
      { input: of('1', ['far']), output: null, claims: [] },
      { input: of('2', ['far', me]), output: null, claims: [] },
      { input: of('3', ['far']), output: null, claims: claimed },
      { input: of('3', ['far']), output: null, claims: [] },
      { input: of('4', ['far']), output: null, claims: [] },
      // A source that cannot be cut is the input of its one chunk; this copy of it was asked for later.
      { input: of('5', ['far']), output: null, claims: [] },
    ]
    const uncut = video({ source: { sha256: blob('5'), bytes: 1, holders: [me] } })
    for (const [freeBytes, gone] of [
      [9e9, []],
      [3e9, [blob('1')]],
    ] as const) {
      const removed: string[] = []
      const store = {
        room: async () => ({ freeBytes, totalBytes: 100e9 }),
        videos: async () => [id],
        list: async () => ['1', '2', '3', '5', 'a', 'f'].map(blob),
        remove: async (each: string) => void removed.push(each),
      }
      const ledger = { now: async () => 10, videos: async () => [uncut], tasks: async () => tasks } as never
      await runHousekeeping({
        self: me,
        ledger,
        store: store as never,
        clock: systemClock,
        pendingSubmits: pending(),
      })
      assert.deepEqual(removed, gone)
    }
  })

  for (const [how, after] of [
    ['is submitted again', () => {}],
    ['is submitted again, and confirmed,', (submits: PendingSubmits) => submits.confirmed(id)],
  ] as const)
    it(`leaves a video alone that ${how} while the ledger is asked`, async () => {
      const pendingSubmits = pending()
      const dropped: string[] = []
      const room = async () => ({ freeBytes: 1e12, totalBytes: 1e12 })
      const store = { room, videos: async () => [id], drop: async (each: VideoId) => void dropped.push(each) }
      const videos = async () => {
        pendingSubmits.begin(id)
        after(pendingSubmits)
        return []
      }
      const ledger = { now: async () => 10, videos } as Partial<Ledger> as Ledger
      await runHousekeeping({ self: me, ledger, store: store as never, clock: systemClock, pendingSubmits })
      assert.deepEqual(dropped, [])
    })

  it('leaves a video alone that is just being submitted', async () => assert.deepEqual(await pass(null, [id]), []))
})

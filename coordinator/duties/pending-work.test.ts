import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plan } from '../../protocol/conformance/ledger/world.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { ASSUMED_S } from '../../protocol/limits.ts'
import { demandOf } from './pending-work.ts'

const [LONG, SHORT, UNKNOWN] = ['a', 'b', 'c'] as unknown as VideoId[] as [VideoId, VideoId, VideoId]
const { renditions } = plan(LONG)
const [{ id, cost } = assert.fail()] = renditions
const LENGTHS = new Map([
  [LONG, { seconds: 40, chunks: 4, renditions }],
  [SHORT, { seconds: 10, chunks: 1, renditions }],
])

test('what waits is the rest of every planned video, by rendition, and the videos without a plan are counted', () => {
  const rows = [
    { resolution: id, kind: 'video', status: 'COMPLETED', count: 3 },
    { resolution: id, kind: 'video', status: 'PENDING', count: 1 },
  ] as const
  const progress = new Map([[LONG, rows]])
  const { pending, dated, unplanned } = demandOf({
    videos: [LONG, SHORT, UNKNOWN],
    left_s: new Map([
      [LONG, 90],
      [SHORT, 30],
      [UNKNOWN, 5],
    ]),
    lengths: LENGTHS,
    progress,
    calibration: new Map(),
  })
  assert.equal(unplanned, 1)
  assert.deepEqual([...pending], [[id, (10 + 10) * cost * ASSUMED_S]])
  const ten = new Map([[id, 10 * cost * ASSUMED_S]])
  assert.deepEqual(dated, [
    { left_s: 30, pending: ten },
    { left_s: 90, pending: ten },
  ])
})

test('what is encoded waits no more, and nothing waits where no video is open', () => {
  const rows = [{ resolution: id, kind: 'video', status: 'COMPLETED', count: 4 }] as const
  const work = { left_s: new Map(), lengths: LENGTHS, progress: new Map([[LONG, rows]]), calibration: new Map() }
  assert.deepEqual([...demandOf({ ...work, videos: [LONG] }).pending], [[id, 0]])
  assert.deepEqual(demandOf({ ...work, videos: [] }), { pending: new Map(), dated: [], unplanned: 0 })
})

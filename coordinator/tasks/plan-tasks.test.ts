import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyIn } from '../../protocol/claim-order.ts'
import { plan } from '../../protocol/conformance/ledger/world.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { WINDOW_CHUNKS, WINDOW_SHARE_MIN } from '../../protocol/limits.ts'
import { dueOf, hasRoomInWindow } from './plan-tasks.ts'

const counts = (count: number) => [
  { kind: 'video', resolution: '480p', status: 'PENDING', count } as const,
  { kind: 'video', resolution: '480p', status: 'COMPLETED', count: 10_000 } as const,
  { kind: 'audio', resolution: 'audio', status: 'PENDING', count: 10_000 } as const,
]

test('a chunk is cut while fewer tasks wait than the share of the window', () => {
  const one = { renditions: 1, slots: 0, ingests: 1 }
  assert.equal(hasRoomInWindow({ ...one, counts: counts(WINDOW_CHUNKS.min - 1) }), true)
  assert.equal(hasRoomInWindow({ ...one, counts: counts(WINDOW_CHUNKS.min) }), false)
  assert.equal(hasRoomInWindow({ ...one, renditions: 3, counts: counts(3 * WINDOW_CHUNKS.min - 1) }), true)
  assert.equal(hasRoomInWindow({ ...one, slots: 100, counts: counts(100 * WINDOW_CHUNKS.perSlot - 1) }), true)
  assert.equal(hasRoomInWindow({ ...one, ingests: 2, counts: counts(WINDOW_CHUNKS.min / 2) }), false)
  assert.equal(hasRoomInWindow({ ...one, ingests: 1_000, counts: counts(WINDOW_SHARE_MIN - 1) }), true)
})

test('a video is due after its own length, or in the band of deadlines that long before its own', () => {
  const of20s = plan('00112233445566aa' as VideoId, { chunks: 2 })
  assert.equal(dueOf({ created_at: 1_000, deadline: null }, of20s), 21_000)
  assert.equal(dueOf({ created_at: 1_000, deadline: 30_000 }, of20s), keyIn('held', 10_000))
})

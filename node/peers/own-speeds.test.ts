import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import type { Plan } from '../../protocol/plan.ts'
import { createOwnSpeeds } from './own-speeds.ts'

const FILM = '0123456789abcdef' as VideoId
const GONE = 'fedcba9876543210' as VideoId
const renditions = [
  { id: '480p', class: 'h264>x264/480p', preset: 'medium', cost: 0.5 },
  { id: '480p-av1', class: 'h264>svtav1-4-1-0/480p-av1', preset: '8', cost: 2 },
  { id: '480p-aom', class: 'h264>aom-3-6-0/480p-aom', preset: '8', cost: 2 },
]
const running = (video: VideoId, id: string, chunk: number, speed: number) => ({
  ...{ task: taskId(video, id, chunk), attempt: 1, done: 0.5, speed },
})

test('speeds are measured by encoder and preset, once the plan of what runs is read', async () => {
  const asked: VideoId[] = []
  const speeds = createOwnSpeeds({
    async planOf(id) {
      asked.push(id)
      if (id === GONE) throw new Error('no plan')
      return { renditions } as unknown as Plan
    },
  })
  const both = [
    running(FILM, '480p', 1, 1),
    running(FILM, '480p-av1', 2, 0.1),
    running(FILM, '480p-aom', 3, 1),
    running(GONE, '480p', 0, 9),
  ]
  assert.deepEqual(speeds.measure(both), {})
  await setImmediate()
  for (let n = 0; n < 200; n++) speeds.measure(both)
  const measured = speeds.measure([])
  assert.deepEqual(Object.keys(measured), ['x264/medium', 'svtav1/8', 'aom/8'])
  assert.ok(Math.abs(measured['x264/medium']! - 2) < 0.05, 'a source second in a second, of half a unit of cost')
  assert.ok(Math.abs(measured['svtav1/8']! - 5) < 0.05)
  assert.ok(Math.abs(measured['aom/8']! - 0.5) < 0.05, 'two encoders of one codec have one each')
  assert.equal(asked.filter((id) => id === FILM).length, 1)
})

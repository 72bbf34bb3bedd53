import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { taskId, type VideoId } from '../../protocol/ids.ts'
import type { Plan } from '../../protocol/plan.ts'
import { createOwnSpeeds } from './own-speeds.ts'

const FILM = '0123456789abcdef' as VideoId
const GONE = 'fedcba9876543210' as VideoId
const renditions = [
  { id: '480p', codec: 'h264', preset: 'medium', cost: 0.5 },
  { id: '480p-av1', codec: 'av1', preset: '8', cost: 2 },
]
const running = (video: VideoId, id: string, chunk: number, speed: number) => ({
  ...{ task: taskId(video, id, chunk), attempt: 1, done: 0.5, speed },
})

test('speeds are measured by codec and preset, once the plan of what runs is read', async () => {
  const asked: VideoId[] = []
  const speeds = createOwnSpeeds({
    async planOf(id) {
      asked.push(id)
      if (id === GONE) throw new Error('no plan')
      return { renditions } as unknown as Plan
    },
  })
  const both = [running(FILM, '480p', 1, 1), running(FILM, '480p-av1', 2, 0.1), running(GONE, '480p', 0, 9)]
  assert.deepEqual(speeds.measure(both), {})
  await setImmediate()
  for (let n = 0; n < 200; n++) speeds.measure(both)
  const measured = speeds.measure([])
  assert.deepEqual(Object.keys(measured), ['h264/medium', 'av1/8'])
  assert.ok(Math.abs(measured['h264/medium']! - 2) < 0.05, 'a source second in a second, of half a unit of cost')
  assert.ok(Math.abs(measured['av1/8']! - 5) < 0.05)
  assert.equal(asked.filter((id) => id === FILM).length, 1)
})

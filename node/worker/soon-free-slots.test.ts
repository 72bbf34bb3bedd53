import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TaskId } from '../../protocol/ids.ts'
import { soonFreeSlots } from './soon-free-slots.ts'

const attempt = (rendition: string, chunk: number, done: number, film = '0123456789abcdef') => ({
  task: `${film}/${rendition}/${String(chunk).padStart(5, '0')}` as TaskId, attempt: 1, done, speed: 1,
}) // biome-ignore format: one attempt

test('a slot whose chunk is half done is as good as free, and renditions of a chunk share one', () => {
  const running = [attempt('480p', 1, 0.2), attempt('720p', 1, 0.2), attempt('480p', 2, 0.5)]
  assert.equal(soonFreeSlots({ slots: 4, running }), 3)
})

test('chunks of two films take a slot each, whatever their numbers', () => {
  const running = [attempt('480p', 1, 0.2), attempt('480p', 1, 0.2, 'fedcba9876543210')]
  assert.equal(soonFreeSlots({ slots: 4, running }), 2)
})

test('an ingest or a merge takes no slot of encodes', () => {
  assert.equal(
    soonFreeSlots({ slots: 2, running: [attempt('ingest', 0, 0), attempt('merge', 0, 0, 'f'.repeat(16))] }),
    2,
  )
})

test('attempts that a heartbeat had no room for take slots', () => {
  const running = [attempt('480p', 1, 0.2)]
  assert.equal(soonFreeSlots({ slots: 10, running, unlisted: 6 }), 3)
  assert.equal(soonFreeSlots({ slots: 10, running, unlisted: 60 }), 0)
})

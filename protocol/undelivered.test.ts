import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHints } from './hints.ts'
import { createUndelivered } from './undelivered.ts'
import type { Video } from './video.ts'

test('while none awaits a delivery the ledger is asked at each hint, and rarely without one', async () => {
  let [now, asked, videos] = [0, 0, [] as Video[]]
  let during = () => {}
  const undeliveredVideos = async () => {
    asked++
    const found = [...videos]
    during()
    return found
  }
  const hints = createHints()
  const undelivered = createUndelivered({ ledger: { undeliveredVideos }, clock: { mono: () => now }, hints })
  const after = async (ms: number) => {
    now += ms
    asked = 0
    return { found: (await undelivered()).length, asked }
  }
  assert.deepEqual(await after(0), { found: 0, asked: 1 })
  assert.deepEqual(await after(4_999), { found: 0, asked: 0 })
  assert.deepEqual(await after(1), { found: 0, asked: 1 })
  // One is completed while they are read: the hint is not lost.
  during = () => {
    videos = [{} as Video]
    hints.publish({ what: 'video', video: null as never })
    during = () => {}
  }
  assert.deepEqual(await after(5_000), { found: 0, asked: 1 })
  assert.deepEqual(await after(0), { found: 1, asked: 1 })
  assert.deepEqual(await after(0), { found: 1, asked: 1 }, 'some are read each time')
  videos = []
  assert.deepEqual(await after(0), { found: 0, asked: 1 })
  hints.publish({ what: 'tasks', video: null })
  assert.deepEqual(await after(0), { found: 0, asked: 1 })
  assert.deepEqual(await after(0), { found: 0, asked: 0 })
})

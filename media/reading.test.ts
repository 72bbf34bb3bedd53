import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RatedProbe, streamRate } from './reading.ts'

test('a bare stream has one rate, whichever ffprobe reads it', () => {
  const rate = (codec: string, real: string, average: string) =>
    streamRate({ rates: { real, average }, video: { codec } as RatedProbe['video'] })
  assert.deepEqual(rate('h264', '30/1', '30/1'), [30, 1])
  assert.deepEqual(rate('h264', '60000/1001', '25/1'), [30_000, 1001])
  assert.deepEqual(rate('hevc', '30/1', '25/1'), [30, 1])
  assert.deepEqual(rate('h264', '50/1', '25/1'), [25, 1])
  assert.deepEqual(rate('h264', '0/0', '0/0'), [25, 1])
})

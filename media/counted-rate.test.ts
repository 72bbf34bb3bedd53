import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRate, streamRate } from './counted-rate.ts'
import { noPackets } from './packet-index.ts'

test('a bare stream has one rate, whichever ffprobe reads it', () => {
  const rate = (codec: string, real: string, average: string) =>
    streamRate({ rates: { real, average }, video: { codec } as Parameters<typeof streamRate>[0]['video'] })
  assert.deepEqual(rate('h264', '30/1', '30/1'), [30, 1])
  assert.deepEqual(rate('h264', '60000/1001', '25/1'), [30_000, 1001])
  assert.deepEqual(rate('hevc', '30/1', '25/1'), [30, 1])
  assert.deepEqual(rate('h264', '50/1', '25/1'), [25, 1])
  assert.deepEqual(rate('h264', '0/0', '0/0'), [25, 1])
})

test('a rate is read of times only where it is constant', () => {
  const rates = { real: '30/1', average: '0/0' }
  const rate = (pts: readonly number[], denominator: number) =>
    decodeRate({ ...noPackets(), pts: [...pts] }, { rates, time_base: [1, denominator] })
  const numbers = Array.from({ length: 300 }, (_, at) => at)
  assert.deepEqual(rate(numbers.map((at) => 40 + Math.round(at / 0.03)), 1000), [30, 1], 'a clock of milliseconds') // biome-ignore format: one line
  assert.deepEqual(rate(numbers.map((at) => at * 512), 12_800), [25, 1]) // biome-ignore format: one line
  assert.deepEqual(rate([0, ...numbers.map((at) => (at + 3) * 512)], 12_800), [25, 1], 'two are missing')
  assert.equal(rate(numbers.map((at) => at * at), 12_800), null) // biome-ignore format: one line
  assert.equal(rate(numbers.map((at) => (at + (at > 150 ? 20 : 0)) * 512), 12_800), null, 'a pause') // biome-ignore format: one line
})

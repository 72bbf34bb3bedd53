/** Positions of beeps, read back from samples that were moved, rescaled and covered with noise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Beeps, beepsWav, findBeeps } from './beeps.ts'

const HEADER_BYTES = 44

function samplesOf(beeps: Beeps): Float32Array {
  const wav = beepsWav(beeps)
  const values = new Int16Array(new Uint8Array(wav.subarray(HEADER_BYTES)).buffer)
  let seed = 1
  return Float32Array.from(values, (value) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (value / 32768) * 0.9 + (seed / 2 ** 32 - 0.5) * 0.02
  })
}

for (const rate of [44_100, 48_000]) {
  for (const lateSamples of [0, 1, 2, 480]) {
    test(`beeps ${lateSamples} samples late are found there at ${rate} Hz`, () => {
      const beeps: Beeps = { track: 0, channels: 2, rate, seconds: 4, lateSamples }
      const found = findBeeps([{ start_s: 10, samples: samplesOf(beeps) }], beeps)
      assert.deepEqual(
        found.map((beep) => beep.channel),
        [0, 1, 0, 1],
      )
      for (const [at, time] of [0.4, 1.5, 2.6, 3.45].entries()) {
        const late = ((found[at]?.at_s ?? 0) - 10 - time) * rate
        assert.ok(Math.abs(late - lateSamples) < 0.2, `beep ${at} is ${late} samples late`)
      }
      assert.ok(found.every((beep) => beep.likeness > 0.95))
    })
  }
}

test("another track's beeps do not look like this track's", () => {
  const beeps: Beeps = { track: 1, channels: 1, rate: 48_000, seconds: 4 }
  const found = findBeeps([{ start_s: 0, samples: samplesOf(beeps) }], { ...beeps, track: 0 })
  assert.equal(found.length, 4)
  assert.ok(found.every((beep) => beep.likeness < 0.5))
})

test('of six channels the right ones sound, and never the LFE', () => {
  const beeps: Beeps = { track: 0, channels: 6, rate: 48_000, seconds: 7 }
  const found = findBeeps([{ start_s: 0, samples: samplesOf(beeps) }], beeps)
  assert.deepEqual(
    found.map((beep) => beep.channel),
    [0, 1, 2, 4, 5, 0, 1].slice(0, found.length),
  )
})

/** Sound is divided as its samples come, into the segments that the whole track has. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { segmentSizes } from './layout.ts'
import { divideSound, SoundDivision } from './sound-division.ts'

const TIMESCALE = 1000
interface Sample {
  readonly time: number
  readonly duration: number
}

/** A track of these samples, whose last one ends as its duration says. */
function trackOf(samples: readonly Sample[]) {
  const last = samples.at(-1)
  const times = Float64Array.from(samples, ({ time }) => time)
  const duration = last ? last.time + last.duration - times[0]! : 0
  return { times, sizes: new Uint32Array(samples.length).fill(3), timescale: TIMESCALE, duration }
}

/** Samples one behind the other, of these durations in ms, from `from` on. */
function samplesFrom(from: number, durations: readonly number[]): Sample[] {
  let time = from
  return durations.map((duration) => {
    const sample = { time, duration }
    time += duration
    return sample
  })
}

const seconds = (count: number, from = 0) => divideSound(trackOf(samplesFrom(from, Array(count * 10).fill(100))))
const lengths = ({ segments }: ReturnType<typeof seconds>) =>
  segments.map((segment) => (segment.at(-1)!.end - segment[0]!.start) / TIMESCALE)

it('has segments of 6 s, a short end belonging to the last one', () => {
  assert.deepEqual(lengths(seconds(20)), [6, 6, 8])
  assert.deepEqual(lengths(seconds(21)), [6, 6, 6, 3])
  assert.deepEqual(lengths(seconds(1)), [1])
  assert.deepEqual(lengths(seconds(0)), [])
})

it('leaves out what ends before the first sound is heard, and delays what begins within it', () => {
  const { segments, delay } = seconds(7, -250)
  assert.equal(delay, 50)
  assert.equal(segments[0]![0]!.from, 2)
  assert.equal(segments[0]![0]!.start, 0)
  assert.deepEqual(seconds(1, -2000), { segments: [], delay: 0 })
})

it('answers a segment only when nothing that follows can change it, and then at once', () => {
  const division = new SoundDivision(TIMESCALE)
  const answered: number[] = []
  for (const { time } of samplesFrom(0, Array(300).fill(100))) if (division.add(time, 3)) answered.push(time)
  // 3 s behind its end: a shorter rest would belong to it.
  assert.deepEqual(answered, [9000, 15_000, 21_000, 27_000])
})

it('divides any track as manifests divide its fragments, whatever the gaps', () => {
  const sample = fc.oneof({ weight: 8, arbitrary: fc.constant(100) }, fc.integer({ min: 1, max: 9000 }))
  const track = fc.tuple(fc.integer({ min: -3000, max: 8000 }), fc.array(sample, { maxLength: 200 }))
  fc.assert(
    fc.property(track, ([from, durations]) => {
      const samples = samplesFrom(from, durations)
      const { segments } = divideSound(trackOf(samples))
      const fragments = segments.flat()
      assert.deepEqual(
        segments.map(({ length }) => length),
        segmentSizes(fragments, TIMESCALE),
      )
      // Every sample that is heard is in one fragment.
      const first = samples.findIndex(({ time, duration }) => time + duration > 0)
      assert.deepEqual(
        [fragments[0]?.from ?? -1, fragments.at(-1)?.to ?? -1],
        first < 0 ? [-1, -1] : [first, samples.length],
      )
      for (const [at, { to, end }] of fragments.slice(0, -1).entries())
        assert.deepEqual([fragments[at + 1]!.from, fragments[at + 1]!.start], [to, end])
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Rational } from '../protocol/plan.ts'
import { type ChunkSource, createCutter, cutOffset, planChunks } from './chunk-plan.ts'
import { noPackets, type Packets } from './packet-index.ts'

const TIME_BASE: Rational = [1, 1000]

/** Packets shown in decode order; `keys` are the numbers of keyframes. */
function source(times: readonly number[], keys: ReadonlySet<number>, end: number): ChunkSource {
  const packets: Packets = {
    ...noPackets(),
    pts: [...times], dts: [...times], duration: times.map(() => 40), timeBase: TIME_BASE,
    key: times.map((_, at) => keys.has(at)), discarded: times.map(() => false),
  } // biome-ignore format: groups
  return { times, end_pts: end, time_base: TIME_BASE, packets, whole: false, encodeCores: 1, oneAtATime: false }
}

/** `seconds` at 25 frames a second, a keyframe every `gop` frames and at `extra`. */
function steady(seconds: number, gop: number, extra: readonly number[] = []): ChunkSource {
  const times = Array.from({ length: seconds * 25 }, (_, at) => at * 40)
  return source(times, new Set(times.keys().filter((at) => at % gop === 0 || extra.includes(at))), seconds * 1000)
}

const lengths = (of: ChunkSource): number[] => planChunks(of).map((chunk) => (chunk.end_pts - chunk.start_pts) / 1000)

test('a source of at most 8 s is one chunk', () => {
  assert.deepEqual(lengths(steady(8, 50)), [8])
  assert.deepEqual(lengths(source([0], new Set([0]), 40)), [0.04])
})

test('chunks are cut at keyframes, in shares without a crumb', () => {
  assert.deepEqual(lengths(steady(36, 50)), [8, 6, 8, 6, 8])
  assert.deepEqual(lengths(steady(60, 250)), [10, 10, 10, 10, 10, 10])
})

test('chunks that are encoded one at a time are four times as long', () => {
  const long = (seconds: number, gop: number) => lengths({ ...steady(seconds, gop), oneAtATime: true })
  assert.deepEqual(long(60, 250), [30, 30])
  assert.deepEqual(long(120, 50), [30, 30, 30, 30])
  assert.deepEqual(long(60, 2000), [30, 30], 'no keyframe within them')
})

test('a keyframe off the grid, a scene cut, is preferred', () => {
  assert.deepEqual(planChunks(steady(36, 50, [163]))[0]?.end_pts, 163 * 40)
})

test('a short film is cut where few slots end soonest', () => {
  assert.deepEqual(lengths(steady(10, 250)), [5.44, 4.56], 'the second decodes the first again')
  assert.deepEqual(lengths(steady(20, 50)), [5.24, 4.76, 5.24, 4.76])
  assert.deepEqual(lengths(steady(28, 50)), [7, 7, 7, 7])
  assert.deepEqual(lengths(steady(12, 145)), [6, 6], 'only 0.2 s are decoded again')
  assert.deepEqual(lengths(steady(28, 100_000)), [5.56, 4.68, 9.6, 8.16], 'a long GOP: later parts decode more again')
  assert.deepEqual(lengths(steady(15, 208)), [8.32, 6.68], 'equal parts decode 7.5 s again')
  assert.deepEqual(lengths(steady(30, 208)), [8.32, 8.32, 7.12, 6.24])
})

test('a short film is cut by what its pictures cost, of which their bytes in the source tell a third', () => {
  const uneven = (bytesAt: (second: number) => number, seconds = 10, gop = 250) => {
    const of = steady(seconds, gop)
    const size = of.times.map((time, at) => (of.packets.key[at] ? 1_000_000 : bytesAt(time / 1000)))
    return lengths({ ...of, packets: { ...of.packets, size } })
  }
  assert.deepEqual(
    uneven(() => 5_000),
    [5.44, 4.56],
    'even bytes say nothing, and those of keyframes do not count',
  )
  assert.deepEqual(
    uneven((second) => (second < 5 ? 15_000 : 5_000)),
    [4.6, 5.4],
  )
  assert.deepEqual(
    uneven((second) => (second < 5 ? 5_000 : 15_000)),
    [6.16, 3.84],
  )
  assert.deepEqual(uneven((second) => (second < 5 ? NaN : 5_000)).length, 2, 'some are not known')
  const burst = uneven((second) => (second < 0.5 ? 1_000_000 : 100))
  assert.ok(
    burst.every((length) => length >= 2),
    burst.join(),
  )
})

test('where several threads encode each chunk, an uneven last one costs less than a second decode', () => {
  const threaded = (seconds: number, gop: number) => lengths({ ...steady(seconds, gop), encodeCores: 1.8 })
  assert.deepEqual(threaded(30, 250), [10, 10, 10])
  assert.deepEqual(threaded(30, 208), [8.32, 8.32, 8.32, 5.04])
  assert.deepEqual(threaded(20, 50), [10, 10])
  assert.deepEqual(threaded(28, 50), [6, 6, 8, 8])
  assert.deepEqual(threaded(10, 250), [5.44, 4.56], 'four cores end sooner so')
  const byTwo = { ...steady(30, 250), encodeCores: 1.4 }
  assert.deepEqual(lengths(byTwo), [5.32, 4.68, 10, 10], 'x265 would leave half a core beside a lone last chunk')
})

test('a short film is cut no dearer than into equal parts, and decodes little of it twice', () => {
  const keys = fc.uniqueArray(fc.integer({ min: 1, max: 32 * 25 - 1 }), { maxLength: 12 })
  const short = fc.record({
    frames: fc.integer({ min: 9 * 25, max: 32 * 25 }),
    keys,
    encodeCores: fc.constantFrom(1, 1.4, 1.8),
  })
  fc.assert(
    fc.property(short, ({ frames, keys, encodeCores }) => {
      const times = Array.from({ length: frames }, (_, at) => at * 40)
      const of = { ...source(times, new Set([0, ...keys]), frames * 40), encodeCores }
      const cut = planChunks(of)
      const starts = cut.map(({ start_pts }) => start_pts / 1000)
      const runIns = runInsOf(of, starts)
      assert.ok(lengths(of).every((seconds) => seconds >= 4 && seconds <= 10))
      assert.ok(runIns.reduce((sum, each) => sum + each, 0) <= (1.5 * frames) / 25)
      for (const count of [2, 3, 4]) {
        const length = frames / 25 / count
        if (length < 4 || length > 10) continue
        const equal = Array.from({ length: count }, (_, at) => Math.ceil((at * frames) / count) / 25)
        assert.ok(shortCost(of, starts) <= shortCost(of, equal) + 0.3)
      }
    }),
    { numRuns: 50 },
  )
})

/** Seconds from the keyframe before each start. */
const runInsOf = ({ packets }: ChunkSource, starts: readonly number[]): number[] =>
  starts.map(
    (start) => start - Math.max(...packets.pts.filter((time, at) => packets.key[at] && time <= start * 1000)) / 1000,
  )

/**
 * Three times the seconds for which two cores are held by the film, those of four, and twice its work: a decode is 0.15 of an encode, a chunk costs 0.2 s.
 * As many chunks as cores are encoded at once, each by 1.8 cores at the most, or by one. In steps of 10 ms.
 */
function shortCost(of: ChunkSource, starts: readonly number[]): number {
  const runIns = runInsOf(of, starts)
  const work = starts.map((start, at) => (starts[at + 1] ?? of.end_pts / 1000) - start + 0.15 * runIns[at]! + 0.2)
  const held = (cores: number) => {
    const left = [...work]
    for (let ms = 0; ; ms += 10) {
      const now = left.filter((seconds) => seconds > 0).slice(0, cores)
      if (now.length === 0) return (cores * ms) / 1000
      const each = 0.01 * Math.min(of.encodeCores, cores / now.length)
      let running = now.length
      for (const [at, seconds] of left.entries()) if (seconds > 0 && running-- > 0) left[at] = seconds - each
    }
  }
  return 3 * held(2) + held(4) + 2 * work.reduce((sum, seconds) => sum + seconds, 0)
}

test('the first part begins with the first picture, also where the first keyframe that is shown comes soon after it', () => {
  const cut = source(
    Array.from({ length: 350 }, (_, at) => at * 40),
    new Set([12, 100, 200, 300]),
    14_000,
  )
  assert.deepEqual(planChunks(cut)[0]?.start_pts, 0)
  assert.equal(
    planChunks(cut).reduce((sum, { frames }) => sum + frames, 0),
    350,
  )
})

test('a gap in a film leaves no part without a picture', () => {
  assert.deepEqual(lengths(source([0, 40, 13_000], new Set([0]), 13_040)), [13, 0.04])
})

test('inside a long GOP chunks are no finer than a quarter of it', () => {
  assert.deepEqual(lengths(steady(60, 100_000)), [15, 15, 15, 15])
  const cuts = planChunks(steady(60, 100_000)).map(({ cut }) => cut?.seek_pts)
  assert.deepEqual(cuts, [null, null, null, null])
})

test('a source that cannot be cut is one chunk, read straight', () => {
  assert.deepEqual(planChunks({ ...steady(60, 50), whole: true }), [
    { chunk_id: 0, start_pts: 0, end_pts: 60_000, frames: 1500, cut: null },
  ])
})

test('a cut runs to the last packet in decode order that it shows', () => {
  // Decode order of an open GOP: the two pictures shown before the keyframe at 160 follow it.
  const pts = [0, 80, 40, 160, 120, 240, 200]
  const dts = [-80, -40, 0, 40, 80, 120, 160]
  const packets: Packets = {
    ...noPackets(),
    pts, dts, duration: pts.map(() => 40), timeBase: TIME_BASE, discarded: pts.map(() => false),
    key: pts.map((time) => time === 0 || time === 160),
  } // biome-ignore format: groups
  const cutter = createCutter(packets)
  assert.deepEqual(cutter(0, 160), { first: 0, last: 5, cut: { seek_pts: null, stop_dts: 100 } })
  assert.deepEqual(cutter(160, null), { first: 3, last: 7, cut: { seek_pts: 160, stop_dts: null } })
})

test('times in cuts are positive whatever the source says', () => {
  assert.equal(cutOffset({ start_pts: 0, time_base: TIME_BASE, lead: 0, track_timescale: 12_800 }), 100)
  assert.equal(cutOffset({ start_pts: -95_443_000, time_base: [1, 90_000], lead: 0, track_timescale: 90_000 }), 1161)
})

const film = fc
  .record({
    steps: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 600 }),
    start: fc.integer({ min: -100_000, max: 100_000 }),
    keyEvery: fc.integer({ min: 1, max: 700 }),
    gap: fc.integer({ min: 0, max: 60_000 }),
  })
  .map(({ steps, start, keyEvery, gap }) => {
    let at = start
    const times = steps.map((step, number) => (at += number === Math.floor(steps.length / 2) ? step + gap : step))
    return source(times, new Set(times.keys().filter((number) => number % keyEvery === 0)), at + 40)
  })

test('a plan covers every frame once, without gap or overlap, and every cut can be decoded', () => {
  fc.assert(
    fc.property(film, (of) => {
      const chunks = planChunks(of)
      const cutter = createCutter(of.packets)
      assert.equal(chunks[0]?.start_pts, of.times[0])
      assert.equal(chunks.at(-1)?.end_pts, of.end_pts)
      chunks.forEach((chunk, at) => {
        const next = chunks[at + 1]
        if (next) assert.equal(chunk.end_pts, next.start_pts)
        const shown = of.times.filter((time) => time >= chunk.start_pts && time < chunk.end_pts)
        assert.equal(chunk.frames, shown.length)
        assert.ok(chunk.frames > 0 && chunk.chunk_id === at)
        const { first, last } = cutter(chunk.start_pts, next ? chunk.end_pts : null)
        assert.ok(of.packets.key[first] && of.packets.pts[first]! <= chunk.start_pts)
        const held = new Set(of.packets.pts.slice(first, last))
        assert.ok(shown.every((time) => held.has(time)))
      })
    }),
    { numRuns: 300 },
  )
})

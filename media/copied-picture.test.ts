import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exactPackets, filmPictures, isInOrder } from './copied-picture.ts'
import { noPackets, type Packets } from './packet-index.ts'

/** The film begins at 10 s; its ticks are those of its own track. */
const PLAN = { start_pts: 250, time_base: [1, 25], lead: 0, track_timescale: 12_800 } as const

/** Packets of 30 a second in 1/90,000, in the order in which they are decoded: `K`: a keyframe, `D`: hidden. */
function packets(rows: readonly (readonly [frame: number, flags?: string])[]): Packets {
  const all = { ...noPackets(), timeBase: [1, 90_000] as const }
  for (const [frame, flags = ''] of rows) {
    all.pts.push(frame * 3_000)
    all.key.push(flags.includes('K'))
    all.discarded.push(flags.includes('D'))
  }
  return all
}

const copied = (times: readonly number[]) => ({
  files: ['a.mkv'],
  file: null,
  times: Float64Array.from(times),
  durations: new Float64Array(times.length),
  sizes: Uint32Array.from(times, (_, at) => at),
  offsets: Float64Array.from(times, (_, at) => 10 * at),
  keys: new Uint8Array(times.length),
})

test('a picture that begins with the film or later is there whole, at its times', () => {
  const wanted = filmPictures(packets([[300, 'K'], [303], [301], [302]]), PLAN)
  assert.deepEqual(wanted?.numbers, [0, 1, 2, 3])
  assert.deepEqual(wanted.times, [0, 100, 33, 67])
  assert.deepEqual([wanted.lost, wanted.variable_rate], [0, false])
  const late = filmPictures(packets([[315, 'K'], [316], [325]]), PLAN)
  assert.deepEqual([late?.times, late?.variable_rate], [[500, 533, 833], true])
})

test('one that begins before the film begins with a keyframe in it, without what is shown before that', () => {
  const rows = [[297, 'K'], [298], [299], [303, 'K'], [301], [302], [306], [304], [305]] as const // biome-ignore format: a list
  const wanted = filmPictures(packets(rows), PLAN)
  assert.deepEqual([wanted?.numbers, wanted?.times, wanted?.lost], [[3, 6, 7, 8], [100, 200, 133, 167], 5])
})

test('what an edit list hides at its beginning and end is left out, with what cannot be shown without', () => {
  const early = filmPictures(packets([[290, 'KD'], [301], [302, 'K'], [303]]), PLAN)
  assert.deepEqual([early?.numbers, early?.lost], [[2, 3], 1])
  const late = filmPictures(packets([[300, 'K'], [301], [304, 'D'], [302], [303]]), PLAN)
  assert.deepEqual([late?.numbers, late?.lost], [[0, 1], 2])
})

test('nothing is taken of a picture without times, with hidden ones among the others, or that ends before the film', () => {
  const untimed = packets([[300, 'K'], [301]])
  untimed.pts[1] = NaN
  const hidden = packets([[300, 'K'], [301, 'D'], [302]])
  for (const source of [untimed, hidden, packets([[200, 'K'], [299]]), packets([[300], [301]])])
    assert.equal(filmPictures(source, PLAN), null)
})

test('gaps of the clock that are closed in the film are closed in it too', () => {
  const jumps = [{ from: 275, to: 25_000 }]
  assert.deepEqual(
    filmPictures(
      packets([
        [300, 'K'],
        [30_000, 'K'],
      ]),
      { ...PLAN, jumps },
    )?.times,
    [0, 1_000],
  )
})

test('a copy with rounded times gets those of the source; one with others, or without its beginning, is none', () => {
  const wanted = filmPictures(packets([[297, 'K'], [300, 'K'], [301], [302]]), PLAN)!
  assert.deepEqual([...exactPackets(copied([109_900, 110_000, 110_033, 110_067]), wanted, 100)!.times], [0, 33, 67])
  // ffmpeg leaves out what is before the first keyframe.
  const late = exactPackets(copied([110_000, 110_033, 110_067]), wanted, 100)
  assert.deepEqual([[...late!.offsets], [...late!.sizes]], [[0, 10, 20], [0, 1, 2]]) // biome-ignore format: short
  for (const times of [[110_000, 110_050, 110_067], [110_033, 110_067], [109_900, 110_000, 110_033], [0, 0, 0, 0, 0]]) // biome-ignore format: a list
    assert.equal(exactPackets(copied(times), wanted, 100), null, times.join())
})

test('times that are far from their place fit into no block', () => {
  assert.equal(isInOrder({ times: Float64Array.of(0, 120, 40, 80, 160) }), true)
  assert.equal(isInOrder({ times: Float64Array.of(0, 40_000, 40, 80) }), false)
})

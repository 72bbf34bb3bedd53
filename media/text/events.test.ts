import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Sample, type TextEvent, timelineOf, withEnds } from './events.ts'

const event = (start: number, end: number, text: string, more: Partial<TextEvent> = {}): TextEvent => ({
  start, end, text, styles: [], place: 2, ...more,
}) // biome-ignore format: a record
const shown = (events: readonly TextEvent[], end = 4_000) =>
  timelineOf(events, end).samples.map((sample): [number, number, string] => [sample.start, sample.end, sample.text])

test('pauses are samples of their own, and the last one ends with the film', () => {
  assert.deepEqual(shown([event(1_000, 2_000, 'One')]), [[0, 1_000, ''], [1_000, 2_000, 'One'], [2_000, 4_000, '']]) // biome-ignore format: samples
  assert.deepEqual(shown([]), [[0, 4_000, '']])
  assert.deepEqual(shown([event(0, 4_000, 'All')]), [[0, 4_000, 'All']])
  assert.deepEqual(shown([event(0, 1, 'All')], 0), [])
})

test('events are cut to the film, and dropped outside of it', () => {
  const events = [
    event(-2_500, -1_000, 'Before'),
    event(-500, 500, 'Cut'),
    event(3_000, 36_000_000, 'Long'),
    event(4_000, 5_000, 'After'),
  ]
  assert.deepEqual(shown(events), [[0, 500, 'Cut'], [500, 3_000, ''], [3_000, 4_000, 'Long']]) // biome-ignore format: samples
})

test('texts of the same time are shown together, those at the top first, then those that began earlier', () => {
  const [lower, upper] = [event(1_000, 3_000, 'Lower'), event(1_500, 2_500, 'Upper')]
  assert.deepEqual(shown([lower, upper]), [
    [0, 1_000, ''], [1_000, 1_500, 'Lower'], [1_500, 2_500, 'Lower\nUpper'], [2_500, 3_000, 'Lower'], [3_000, 4_000, ''],
  ]) // biome-ignore format: samples
  assert.equal(shown([lower, { ...upper, place: 0 }])[2]?.[2], 'Upper\nLower')
})

test('a text that is due twice at a time is shown once, and is not cut there', () => {
  assert.deepEqual(shown([event(0, 4_000, 'Same'), event(1_000, 2_000, 'Same')]), [[0, 4_000, 'Same']])
  // Two texts that only meet stay two.
  assert.deepEqual(shown([event(0, 2_000, 'No.'), event(2_000, 4_000, 'No.')]), [[0, 2_000, 'No.'], [2_000, 4_000, 'No.']]) // biome-ignore format: samples
})

test('styles move with their text when it is joined to another, counted in characters', () => {
  const run = { from: 0, to: 3, face: 1, size: 100, color: 0xffffffff }
  const [sample] = timelineOf([event(0, 9, 'a\u{1f600}b'), event(0, 9, 'two', { styles: [run] })], 9).samples
  assert.deepEqual(sample?.styles, [{ ...run, from: 4, to: 7 }])
})

test('a track of ten thousand events that are all due to the end is bounded, and says so', () => {
  const events = Array.from({ length: 10_000 }, (_, at) => event(at, 20_000, `text ${at}`))
  const { samples, crowded } = timelineOf(events, 20_000)
  assert.equal(crowded, 10_000 - 32)
  assert.ok(samples.length <= 33)
  const huge = Array.from({ length: 30 }, (_, at) => event(0, 10, `${at}${'x'.repeat(3_990)}`))
  assert.ok(Buffer.byteLength(timelineOf(huge, 10).samples[0]!.text) <= 65_535)
})

test('an event without an end lasts until the next; one without length is dropped, unless most have none', () => {
  const ends = (events: readonly { start: number; end: number | null }[]) =>
    withEnds(events, 100).map(({ start, end }) => [start, end])
  assert.deepEqual(ends([{ start: 0, end: null }, { start: 30, end: 40 }, { start: 50, end: null }]), [[0, 30], [30, 40], [50, 100]]) // biome-ignore format: times
  assert.deepEqual(ends([{ start: 0, end: 5 }, { start: 7, end: 7 }, { start: 9, end: 11 }]), [[0, 5], [9, 11]]) // biome-ignore format: times
  assert.deepEqual(ends([{ start: 0, end: 0 }, { start: 7, end: 7 }, { start: 9, end: 11 }]), [[0, 7], [7, 9], [9, 11]]) // biome-ignore format: times
  assert.deepEqual(
    ends([
      { start: 5, end: 1 },
      { start: 7, end: 8 },
    ]),
    [[7, 8]],
  )
})

const END = 60
const anyEvents = fc.array(
  fc.record({
    start: fc.integer({ min: -20, max: 80 }),
    length: fc.integer({ min: 0, max: 40 }),
    text: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'two\u{1f600}'),
    place: fc.constantFrom(0, 1, 2),
  }),
  { maxLength: 30 },
)

test('at each moment of a film the texts shown are exactly those that are due', () => {
  fc.assert(
    fc.property(anyEvents, (drawn) => {
      const events = drawn.map(
        ({ start, length, ...rest }): TextEvent => ({ ...rest, start, end: start + length, styles: [] }),
      )
      const { samples, crowded } = timelineOf(events, END)
      assert.equal(crowded, 0)
      assert.equal(samples[0]?.start, 0)
      assert.equal(samples.at(-1)?.end, END)
      samples.forEach((sample, at) => {
        assert.ok(sample.start < sample.end)
        if (at > 0) assert.equal(sample.start, samples[at - 1]!.end, 'no gap and no overlap')
      })
      const at = (time: number): Sample => samples.find(({ start, end }) => start <= time && time < end)!
      for (let time = 0; time < END; time++) {
        const due = new Set(events.filter(({ start, end }) => start <= time && time < end).map(({ text }) => text))
        const got = at(time).text === '' ? [] : at(time).text.split('\n')
        assert.deepEqual([...got].sort(), [...due].sort())
      }
    }),
  )
})

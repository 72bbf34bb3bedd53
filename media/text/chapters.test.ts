import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { chaptersFile, chaptersOf, cleanTitle } from './chapters.ts'

const list = (chapters: readonly (readonly [number, number | null, string])[], end = 4_000) =>
  chaptersOf(
    chapters.map(([start, end, title]) => ({ start, end, title })),
    end,
  )
const kept = (...of: Parameters<typeof list>) =>
  list(...of).chapters.map(({ start, end, title }) => [start, end, title])

test('chapters are cut to the film; those without length or outside of it are left out', () => {
  const source = [[0, 1_000, 'one'], [1_000, 1_000, 'zero'], [2_500, 60_000, 'long'], [30_000, 31_000, 'after']] as const // biome-ignore format: chapters
  assert.deepEqual(kept(source), [[0, 1_000, 'one'], [1_000, 2_500, ''], [2_500, 4_000, 'long']]) // biome-ignore format: chapters
  assert.equal(list(source).left, 2)
  assert.deepEqual(kept([[0, 2_000, 'a'], [86_399_997, 86_400_000, 'late']]), [[0, 2_000, 'a']]) // biome-ignore format: chapters
  assert.deepEqual(kept([[-3_000, -10, 'gone'], [-10, 4_000, 'rest']]), [[0, 4_000, 'rest']]) // biome-ignore format: chapters
})

test('a hole and a late first chapter are filled with untitled ones', () => {
  assert.deepEqual(kept([[2_000, 2_500, 'two'], [3_000, 4_000, 'four']]), [[0, 2_000, ''], [2_000, 2_500, 'two'], [2_500, 3_000, ''], [3_000, 4_000, 'four']]) // biome-ignore format: chapters
  // What is shorter than a picture is no hole.
  assert.deepEqual(
    kept([
      [20, 1_000, 'one'],
      [1_033, 2_000, 'two'],
    ]),
    [
      [0, 1_033, 'one'],
      [1_033, 2_000, 'two'],
    ],
  )
})

test('chapters are sorted, end where the next begins, and inner ones remain of nested ones', () => {
  assert.deepEqual(kept([[2_000, 4_000, 'B'], [0, 1_000, 'A']]), [[0, 1_000, 'A'], [1_000, 2_000, ''], [2_000, 4_000, 'B']]) // biome-ignore format: chapters
  assert.deepEqual(kept([[0, 4_000, 'part'], [0, 2_000, '1'], [2_000, 4_000, '2']]), [[0, 2_000, '1'], [2_000, 4_000, '2']]) // biome-ignore format: chapters
  assert.deepEqual(
    kept([
      [0, null, 'A'],
      [1_500, null, 'B'],
    ]),
    [
      [0, 1_500, 'A'],
      [1_500, 4_000, 'B'],
    ],
  )
  assert.deepEqual(
    kept([
      [0, 0, 'A'],
      [1_500, 1_500, 'B'],
    ]),
    [
      [0, 1_500, 'A'],
      [1_500, 4_000, 'B'],
    ],
  )
})

test('titles lose control characters, and end between two characters', () => {
  assert.equal(cleanTitle('a\0b\r\n[CHAPTER]\u2028 '), 'a b [CHAPTER]')
  assert.equal(Buffer.byteLength(cleanTitle('é'.repeat(500))), 254)
  assert.equal(
    chaptersFile([{ start: 0, end: 5, title: 'a=b;#c\\' }, { start: 5, end: 9, title: '' }]),
    ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=5\ntitle=a\\=b\\;\\#c\\\\\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=5\nEND=9\ntitle=\n',
  ) // biome-ignore format: a file
})

test('whatever a source says, chapters follow one another from 0 on, none empty, none beyond the film', () => {
  const chapter = fc.record({
    start: fc.integer({ min: -500, max: 5_000 }),
    end: fc.option(fc.integer({ min: -500, max: 9_000 })),
    title: fc.string(),
  })
  fc.assert(
    fc.property(fc.array(chapter, { maxLength: 20 }), (source) => {
      const { chapters, left } = chaptersOf(source, 4_000)
      let at = 0
      for (const { start, end } of chapters) {
        assert.equal(start, at)
        assert.ok(end > start && end <= 4_000)
        at = end
      }
      assert.ok(left >= 0 && left <= source.length)
    }),
  )
})

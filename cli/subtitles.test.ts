import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { subtitlesFrom } from './subtitles.ts'

test('subtitles have the language and flags of their names, whether these begin with that of the film or not', () => {
  const read = (...paths: string[]) =>
    subtitlesFrom(['dir/film.2.mp4'], paths).map(({ path, language, forced, hearing_impaired }) => {
      assert.equal(path, resolve(paths.shift() ?? ''))
      return [language, forced, hearing_impaired]
    })
  assert.deepEqual(read('film.2.de.srt', 'subs/film.2.en.sdh.vtt'), [['de', false, false], ['en', false, true]]) // biome-ignore format: pairs
  assert.deepEqual(read('the.pt-br.forced.srt', 'plain.srt'), [['pt-br', true, false], ['', false, false]]) // biome-ignore format: pairs
  assert.deepEqual(subtitlesFrom(['a.mp4', 'b.mp4']), [])
})

test('subtitles of several films are refused, and too many of one', () => {
  assert.throws(() => subtitlesFrom(['a.mp4', 'b.mp4'], ['a.srt']), /name one at a time/)
  assert.throws(() => subtitlesFrom(['a.mp4'], new Array(1000).fill('a.srt')), /1000 are given/)
})

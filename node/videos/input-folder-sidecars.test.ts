import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSubtitleName, splitSidecars } from './input-folder-sidecars.ts'

const split = (...files: string[]) => {
  const { films, subtitlesOf, sidecars } = splitSidecars(files)
  return { films, subtitles: Object.fromEntries(subtitlesOf), sidecars: [...sidecars] }
}

test('files with the name of a film stay beside it, and its text subtitles come along', () => {
  const beside = ['a.srt', 'a.en.VTT', 'a.nfo', 'a-poster.jpg', 'a (2020).jpg', 'a.ass']
  assert.deepEqual(split('a.mkv', ...beside), {
    films: ['a.mkv'],
    subtitles: { 'a.mkv': ['a.srt', 'a.en.VTT'] },
    sidecars: beside,
  })
})

test("a folder's own pictures and texts stay where there is a film", () => {
  assert.deepEqual(split('x/folder.jpg', 'x/movie.nfo', 'x/a.mkv', 'y/folder.jpg').films, ['x/a.mkv', 'y/folder.jpg'])
})

test('a sidecar without a film is a file as any other', () => {
  assert.deepEqual(split('a.mkv', 'b.srt', 'ab.srt', 'sub/a.srt').films, ['a.mkv', 'b.srt', 'ab.srt', 'sub/a.srt'])
})

test('of two films with one beginning the longer name has the sidecar', () => {
  const { subtitles } = split('a.mkv', 'a.2.mkv', 'a.2.en.srt', 'a.en.srt')
  assert.deepEqual(subtitles, { 'a.2.mkv': ['a.2.en.srt'], 'a.mkv': ['a.en.srt'] })
})

test('the name of a subtitle says its language and flags', () => {
  const plain = { language: '', forced: false, hearing_impaired: false }
  for (const [name, said] of [
    ['film.srt', {}],
    ['film.en.srt', { language: 'en' }],
    ['film.pt-BR.forced.srt', { language: 'pt-br', forced: true }],
    ['film.eng.sdh.vtt', { language: 'eng', hearing_impaired: true }],
    ['film.hi.srt', { language: 'hi' }],
    ['film.en.hi.srt', { language: 'en', hearing_impaired: true }],
    ['film.forced.srt', { forced: true }],
    ['film.English.srt', { language: 'english' }],
    ['film.Director.de.srt', { language: 'de' }],
  ] as const)
    assert.deepEqual(readSubtitleName('film.mkv', name), { ...plain, ...said }, name)
})

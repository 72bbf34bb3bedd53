import assert from 'node:assert/strict'
import { test } from 'node:test'
import { languageOf } from './language.ts'

const code = (language: string) => languageOf({ tags: { language } }).code
const isNarrowed = (language: string) => languageOf({ tags: { language } }).isNarrowed

test('a language of two letters, of a bibliographic code or of a name is its ISO 639-2/T code', () => {
  const codes = { en: 'eng', de: 'deu', ger: 'deu', fre: 'fra', chi: 'zho', zho: 'zho', German: 'deu', EN: 'eng' }
  for (const [tag, wanted] of Object.entries(codes))
    assert.deepEqual([code(tag), isNarrowed(tag)], [wanted, false], tag)
})

test('a BCP 47 tag is narrowed to its language, and says so', () => {
  const codes = { 'pt-BR': 'por', 'zh-Hant': 'zho', 'de-CH': 'deu', en_US: 'eng', 'sr-Latn-RS': 'srp', 'iw-IL': 'heb' }
  for (const [tag, wanted] of Object.entries(codes)) assert.deepEqual([code(tag), isNarrowed(tag)], [wanted, true], tag)
})

test('three letters stay what they are, undefined is none, and what is no language is narrowed to none', () => {
  for (const tag of ['yue', 'qaa', 'mul', 'zxx']) assert.deepEqual([code(tag), isNarrowed(tag)], [tag, false], tag)
  for (const tag of ['und', '']) assert.deepEqual([code(tag), isNarrowed(tag)], ['', false], tag)
  for (const tag of ['x-private', 'xx', 'Klingonese']) assert.deepEqual([code(tag), isNarrowed(tag)], ['', true], tag)
})

test('a tag cannot carry a line or an option into a note', () => {
  assert.equal(languageOf({ tags: { language: `en\u001b[31m\n-y ${'x'.repeat(100)}` } }).tag.length, 40)
})

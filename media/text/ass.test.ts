import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseAssEvent } from './ass.ts'
import { parseStyles } from './ass-styles.ts'

const SHEET = parseStyles(`[Script Info]
PlayResY: 360

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Underline, Alignment
Style: Default,Arial,20,&H00FFFFFF,0,0,0,2
Style: Sign,Arial,40,&H000000FF,-1,0,0,8

[Events]
Format: Layer, Start
`)
const parse = (text: string, { style = 'Default', margins = '0,0,0', isAss = true } = {}) =>
  parseAssEvent(`0,0,${style},,${margins},,${text}`, SHEET, isAss)
const textOf = (text: string, isAss = true) => parse(text, { isAss }).text
const lostBy = (text: string) => [...parse(text).lost].sort()
const facesOf = (text: string) => parse(text).styles.map(({ from, to, face }) => [from, to, face])

test('line breaks, hard spaces, commas and braces of ASS', () => {
  assert.equal(textOf('One, two\\Nthree\\nfour\\hfive'), 'One, two\nthree\nfour\u00a0five')
  assert.equal(textOf('{a comment}Text\\{x\\}'), 'Text{x}')
  assert.equal(textOf('c:\\\\dir \\o/'), 'c:\\\\dir \\o/')
  assert.equal(textOf(' \\N \\N '), '')
  assert.equal(textOf('an open { brace'), 'an open { brace')
})

test('braces of other formats are text unless they hold tags', () => {
  assert.equal(textOf('{laughs} {\\an8}No {y:i}way', false), '{laughs} No way')
  assert.equal(textOf('a \\\\ b', false), 'a \\ b')
})

test('bold, italic, underline, size and colour stay; the rest of a style does not', () => {
  assert.deepEqual(facesOf('a{\\b1}b{\\i1\\u1}c{\\b0}d{\\r}e{\\b700}f'), [[0, 1, 0], [1, 2, 1], [2, 3, 7], [3, 4, 6], [4, 5, 0], [5, 6, 1]]) // biome-ignore format: runs
  assert.deepEqual(parse('{\\c&HFF&}r{\\1c&H00FF00&}g{\\c}w{\\fs40}x{\\fs}y').styles.map(({ color, size }) => [color.toString(16), size]), [
    ['ff0000ff', 20], ['ff00ff', 20], ['ffffffff', 20], ['ffffffff', 40], ['ffffffff', 20],
  ]) // biome-ignore format: runs
  const sign = parse('Sign', { style: 'Sign' })
  assert.deepEqual(sign.styles, [{ from: 0, to: 4, face: 1, size: 40, color: 0xff0000ff }])
  assert.equal(parse('{\\rSign}x').styles[0]?.size, 40)
})

test('a drawing is no text, and hidden letters are not shown', () => {
  assert.equal(textOf('{\\p1}m 0 0 l 100 0 100 100 0 100{\\p0}'), '')
  assert.equal(textOf('{\\p1}m 0 0{\\p0}Text'), 'Text')
  assert.equal(textOf('{\\pos(1,2)\\p4}m 0 0'), '')
  assert.equal(textOf('Now{\\alpha&HFF&} later'), 'Now')
  assert.equal(textOf('{\\alpha&HFF&\\t(0,100,\\alpha&H00&)}Faded'), '')
})

test('what MP4 text has no place for is named, and only where it is used', () => {
  assert.deepEqual(lostBy('plain {\\i1}text'), [])
  assert.deepEqual(lostBy('{\\an2}bottom'), [])
  assert.deepEqual(lostBy('{\\an8}top'), ['positions'])
  assert.deepEqual(lostBy('{\\k20}a{\\kf30}b{\\pos(1,2)}'), ['karaoke effects', 'positions'])
  assert.deepEqual(lostBy('{\\fad(1,2)}x'), ['animations'])
  assert.deepEqual(lostBy('{\\p1}m 0 0{\\p0}'), ['drawings'])
  assert.deepEqual([...parse('x', { margins: '0,0,40' }).lost], ['positions'])
  assert.deepEqual([...parse('x', { style: 'Sign' }).lost], ['positions'])
})

test('where a text stands orders it: by its alignment, or its place in the picture', () => {
  const places = [
    '{\\an8}x',
    '{\\an5}x',
    '{\\an1}x',
    '{\\a6}x',
    '{\\pos(10,20)}x',
    '{\\an8\\pos(10,350)}x',
    '{\\move(1,150,2,3)}x',
  ].map((text) => parse(text).place)
  assert.deepEqual(places, [0, 1, 2, 0, 0, 2, 1])
})

test('the styles of SSA: colours as numbers, another count of alignments', () => {
  const { styles } = parseStyles(
    '[V4 Styles]\nFormat: Name, Fontsize, PrimaryColour, Bold, Alignment\nStyle: *Top,18,255,-1,6\n',
  )
  assert.deepEqual(styles.get('Top'), { face: 1, size: 18, color: 0xff0000ff, align: 8 })
})

test('no event, however broken, throws or has more than a screen can hold', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom('{', '}', '\\', '(', ')', ',', 't', 'p1', 'pos', 'fs', '\\N', '\0', 'é', '&H', '\u{1f600}'),
        { maxLength: 60 },
      ),
      fc.boolean(),
      (parts, isAss) => {
        const { text, styles } = parseAssEvent(parts.join(''), SHEET, isAss)
        const length = [...text].length
        assert.equal(styles.at(-1)?.to ?? 0, length)
        assert.ok(!/\0|\n\n/.test(text))
      },
    ),
  )
  assert.equal([...parse('x'.repeat(100_000)).text].length, 4_000)
  assert.ok(parse(`{${'\\t('.repeat(20_000)}`).text.length <= 4_000)
})

/**
 * Events of ASS, the form that ffmpeg decodes every text subtitle to, as plain text with the styles that MP4 keeps: bold, italic,
 * underline, size, colour. Pure. What MP4 has no place for is named in `lost`. Drawings and hidden text are no text.
 *
 * Tracks are hostile input: nothing here throws, and a text has at most `TEXT_CHARS_MAX` characters.
 */
import { type AssStyle, alignmentOfSsa, DEFAULT_STYLE, parseColor, type StyleSheet } from './ass-styles.ts'
import type { StyleRun, TextEvent } from './events.ts'

/** What the text of a track used and MP4 cannot hold. */
export type Lost = 'positions' | 'karaoke effects' | 'animations' | 'drawings'

/** The text of one event; `size` of its runs is in the units of the style sheet. */
export interface AssText extends Pick<TextEvent, 'text' | 'styles' | 'place'> {
  readonly lost: ReadonlySet<Lost>
}

/** Characters of one event that are kept; a screen shows about 200. */
const TEXT_CHARS_MAX = 4_000

/** Tags whose names begin with those of others come first. */
const TAG =
  /^(alpha|blur|bord|iclip|clip|fade|fad|fscx|fscy|fsp|fr[xyz]?|fax|fay|fs|fn|fe|pos|move|org|pbo|be|shad|[xy]bord|[xy]shad|an|kf|ko|kt|[1-4]a|[1-4]c|[kKcbiusrpqta])/

const LOST_BY: readonly (readonly [RegExp, Lost])[] = [
  [/^(pos|move|org)$/, 'positions'],
  [/^(k|K|kf|ko|kt)$/, 'karaoke effects'],
  [/^(t|fad|fade|move)$/, 'animations'],
]

interface State {
  readonly sheet: StyleSheet
  readonly base: AssStyle
  style: AssStyle
  hidden: boolean
  drawing: boolean
  align: number
  /** Height of the text in the picture, 0 top to 1 bottom, where a position is given. */
  height: number | null
  readonly lost: Set<Lost>
}

/**
 * Reads the fields of an event as Matroska holds them: `ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text`. `isAss`: the
 * source is ASS itself; in other formats braces without a tag are text, as their players show them.
 */
export function parseAssEvent(fields: string, sheet: StyleSheet, isAss: boolean): AssText {
  const parts = fields.split(',')
  const [, , name = '', , left, right, vertical, effect = ''] = parts
  const base = sheet.styles.get(name.trim().replace(/^\*/, '')) ?? sheet.styles.get('Default') ?? DEFAULT_STYLE
  const lost = new Set<Lost>()
  const state: State = {
    sheet,
    base,
    style: base,
    hidden: false,
    drawing: false,
    align: base.align,
    height: null,
    lost,
  }
  const pieces = readPieces(parts.slice(8).join(','), state, isAss)
  if (state.align !== 2 || [left, right, vertical].some((margin) => Number(margin) > 0)) lost.add('positions')
  if (/^(banner|scroll)/i.test(effect)) lost.add('animations')
  return { ...joined(pieces), place: placeOf(state), lost }
}

interface Piece {
  readonly text: string
  readonly style: AssStyle
}

function readPieces(text: string, state: State, isAss: boolean): Piece[] {
  const pieces: Piece[] = []
  // Braces, line breaks and spaces of ASS, and what ffmpeg writes for a brace or a backslash of a text.
  for (const [token] of text.matchAll(/\{[^}]*\}|\\[Nnh{}\\]|[^\\{]+|[\\{]/gs)) {
    if (token.length > 1 && token.startsWith('{') && (isAss || /\\|^\{\w:/.test(token)))
      override(token.slice(1, -1), state)
    else if (state.drawing) {
      if (token.trim() !== '') state.lost.add('drawings')
    } else if (!state.hidden) pieces.push({ text: plain(token, isAss), style: state.style })
  }
  return pieces
}

function plain(token: string, isAss: boolean): string {
  if (token === '\\N' || token === '\\n') return '\n'
  if (token === '\\h') return '\u00a0'
  if (token === '\\{' || token === '\\}' || (token === '\\\\' && !isAss)) return token.slice(1)
  return token
}

/** The tags of one pair of braces; what has no backslash before it is a comment. */
function override(inside: string, state: State): void {
  // `\t(…)` and `\clip(…)` hold backslashes of their own.
  for (const [, tag = ''] of inside.matchAll(/\\((?:\([^()]*(?:\([^()]*\)[^()]*)*\)|[^\\(])*)/g)) {
    const name = TAG.exec(tag)?.[0]
    if (name === undefined) continue
    for (const [names, lost] of LOST_BY) if (names.test(name)) state.lost.add(lost)
    applyTag(name, tag.slice(name.length).trim(), state)
  }
}

function applyTag(name: string, value: string, state: State): void {
  const { style, base } = state
  const face = (bit: number, isOn: boolean) => (isOn ? style.face | bit : style.face & ~bit)
  if (name === 'b')
    state.style = {
      ...style,
      face: face(1, value === '' ? (base.face & 1) > 0 : Number(value) === 1 || Number(value) >= 600),
    }
  else if (name === 'i' || name === 'u') {
    const bit = name === 'i' ? 2 : 4
    state.style = { ...style, face: face(bit, value === '' ? (base.face & bit) > 0 : Number(value) === 1) }
  } else if (name === 'c' || name === '1c')
    state.style = { ...style, color: value === '' ? base.color : parseColor(value) }
  else if (name === 'fs') state.style = { ...style, size: sizeOf(value, style, base) }
  else if (name === 'r') state.style = state.sheet.styles.get(value) ?? base
  else if (name === 'p') state.drawing = Number.parseInt(value, 10) >= 1
  else if (name === 'an') state.align = Number(value) >= 1 && Number(value) <= 9 ? Number(value) : state.align
  else if (name === 'a') state.align = alignmentOfSsa(Number(value)) ?? state.align
  else if (name === 'pos' || name === 'move') state.height = heightOf(value, state)
  // Letters that an animation brings in later are hidden like this; they are not to be read yet.
  if (name === 'alpha') state.hidden = /^&?H?FF&?$/i.test(value)
  else if (name === 'r') state.hidden = false
}

function sizeOf(value: string, style: AssStyle, base: AssStyle): number {
  const size = /^[+-]/.test(value) ? style.size * (1 + Number(value) / 10) : Number(value)
  return size > 0 && Number.isFinite(size) ? size : base.size
}

function heightOf(value: string, { sheet }: State): number | null {
  const y = Number(/^\(\s*[-\d.]+\s*,\s*([-\d.]+)/.exec(value)?.[1] ?? Number.NaN)
  return Number.isFinite(y) ? y / sheet.height : null
}

function placeOf({ align, height }: State): TextEvent['place'] {
  if (height !== null) return height < 1 / 3 ? 0 : height < 2 / 3 ? 1 : 2
  return align >= 7 ? 0 : align >= 4 ? 1 : 2
}

/** Pieces as one text without blank lines and spaces around it, with a run for each stretch of one style. */
function joined(pieces: readonly Piece[]): Pick<AssText, 'text' | 'styles'> {
  const chars: string[] = []
  const looks: AssStyle[] = []
  // Control characters show as boxes, and a zero ends a text early.
  for (const { text, style } of pieces)
    for (const char of text.replace(/\r\n?/g, '\n').replace(/(?!\n)\p{Cc}/gu, ' ')) {
      if (chars.length >= TEXT_CHARS_MAX) break
      if (char === '\n' && chars.at(-1) === '\n') continue
      chars.push(char)
      looks.push(style)
    }
  const isBlank = (char: string | undefined) => char !== undefined && char.trim() === ''
  let [from, to] = [0, chars.length]
  while (isBlank(chars[from]) && from < to) from++
  while (to > from && isBlank(chars[to - 1])) to--
  return { text: chars.slice(from, to).join(''), styles: runsOf(looks.slice(from, to)) }
}

function runsOf(looks: readonly AssStyle[]): StyleRun[] {
  const runs: StyleRun[] = []
  looks.forEach(({ face, size, color }, at) => {
    const last = runs.at(-1)
    if (last && last.face === face && last.size === size && last.color === color)
      runs[runs.length - 1] = { ...last, to: at + 1 }
    else runs.push({ from: at, to: at + 1, face, size, color })
  })
  return runs
}

/** Digits as bitmaps, five by seven: a bare machine has no fonts, and some ffmpeg builds no `drawtext`. */

export const TEXT_HEIGHT = 7
const GLYPH_WIDTH = 5
const ADVANCE = GLYPH_WIDTH + 1

/** Rows from the top, five bits each. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  '0': [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
  '1': [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
  '2': [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
  '3': [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
  '4': [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
  '5': [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
  '6': [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
  '7': [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
  '8': [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
  '9': [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
  ':': [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
  '#': [0b01010, 0b01010, 0b11111, 0b01010, 0b11111, 0b01010, 0b01010],
}

/** Pixels across; the gap behind the last glyph does not count. */
export const textWidth = (text: string, scale: number): number => (text.length * ADVANCE - 1) * scale

/** Calls `dot` for every pixel of the text, from its own top left corner. Unknown characters are blank. */
export function drawText(text: string, scale: number, dot: (x: number, y: number) => void): void {
  for (const [index, character] of [...text].entries()) {
    for (const [row, bits] of (GLYPHS[character] ?? []).entries()) {
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if (((bits >> (GLYPH_WIDTH - 1 - column)) & 1) === 0) continue
        const [left, top] = [(index * ADVANCE + column) * scale, row * scale]
        for (let at = 0; at < scale * scale; at++) dot(left + (at % scale), top + Math.floor(at / scale))
      }
    }
  }
}

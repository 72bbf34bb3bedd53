/** The style sheet at the head of an ASS track. Pure; unknown or broken lines are passed over. */

/** The look of a style, as far as MP4 text has it, and where its text stands. */
export interface AssStyle {
  /** Bits: 1 bold, 2 italic, 4 underlined. */
  readonly face: number
  /** In the units of the sheet's picture. */
  readonly size: number
  /** 0xRRGGBBAA. */
  readonly color: number
  /** 1 to 9, like a numeric keypad. */
  readonly align: number
}

/** The styles by name, and the height of the picture that positions are given in. */
export interface StyleSheet {
  readonly styles: ReadonlyMap<string, AssStyle>
  readonly height: number
}

/** White, upright, at the bottom: what an event of an unknown style gets. */
export const DEFAULT_STYLE: AssStyle = { face: 0, size: 16, color: 0xffffffff, align: 2 }

/** More are a hostile file's. */
const STYLES_MAX = 2_000

/** Reads the header of a track: `[Script Info]` and `[V4+ Styles]`, or `[V4 Styles]` of SSA. */
export function parseStyles(header: string): StyleSheet {
  const styles = new Map<string, AssStyle>()
  let columns: string[] = []
  let [section, height] = ['', 288]
  for (const line of header.split(/\r?\n/)) {
    const [, key = '', value = ''] = /^\s*([\w ]+?)\s*:\s*(.*)$/.exec(line) ?? []
    if (/^\s*\[/.test(line)) section = line.trim().toLowerCase()
    else if (key === 'PlayResY') height = Number(value) > 0 ? Number(value) : height
    else if (!section.startsWith('[v4')) continue
    else if (key === 'Format') columns = value.split(',').map((name) => name.trim().toLowerCase())
    else if (key === 'Style' && styles.size < STYLES_MAX) {
      const fields = value.split(',')
      const field = (name: string) => fields[columns.indexOf(name)]?.trim() ?? ''
      styles.set(field('name').replace(/^\*/, ''), styleOf(field, section === '[v4 styles]'))
    }
  }
  return { styles, height }
}

function styleOf(field: (name: string) => string, isSsa: boolean): AssStyle {
  const flag = (name: string, bit: number) => (Number(field(name)) === 0 || field(name) === '' ? 0 : bit)
  const size = Number(field('fontsize'))
  const align = Number(field('alignment'))
  return {
    face: flag('bold', 1) | flag('italic', 2) | flag('underline', 4),
    size: size > 0 && Number.isFinite(size) ? size : DEFAULT_STYLE.size,
    color: field('primarycolour') === '' ? DEFAULT_STYLE.color : parseColor(field('primarycolour')),
    align: (isSsa ? alignmentOfSsa(align) : align >= 1 && align <= 9 ? align : null) ?? DEFAULT_STYLE.align,
  }
}

/** `&HAABBGGRR`, with any digits left out at the front, or a decimal number, as 0xRRGGBBAA; always opaque, so that it can be read. */
export function parseColor(text: string): number {
  const hex = /^&?H([0-9a-f]+)&?$/i.exec(text)?.[1]
  const bgr = hex === undefined ? Number.parseInt(text, 10) || 0 : Number.parseInt(hex.slice(-6), 16)
  const byte = (shift: number) => (bgr >>> shift) & 0xff
  return byte(0) * 0x1000000 + byte(8) * 0x10000 + byte(16) * 0x100 + 0xff
}

/** The alignment of SSA, 1 to 11, as that of ASS, 1 to 9 like a numeric keypad; null for another number. */
export const alignmentOfSsa = (value: number): number | null =>
  ([null, 1, 2, 3, null, 7, 8, 9, null, 4, 5, 6] as const)[value] ?? null

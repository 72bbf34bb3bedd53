/** How a grid of chunks lies on its canvas: bands of all renditions, one below the other, each with as many chunks as fit beside each other. Pure. */

/** Room for the names of renditions, left of the cells, and what lies between two cells and between two bands, pixels. */
export const [NAMES_WIDTH, GAP] = [58, 2]
const BAND_GAP = 14
/** Widths of a cell; of few chunks they are large. Heights likewise. */
const [WIDTH_MIN, WIDTH_MAX, HEIGHT_MIN, HEIGHT_MAX] = [9, 34, 10, 22]

/** Numbers in pixels but `columns`, `rows` and `chunks`. */
export interface GridLayout {
  readonly rows: number
  readonly chunks: number
  readonly columns: number
  readonly cellWidth: number
  readonly cellHeight: number
  readonly bandHeight: number
  readonly height: number
}

/** The layout for a canvas of this width. */
export function layoutOf(width: number, rows: number, chunks: number): GridLayout {
  const room = Math.max(width - NAMES_WIDTH, WIDTH_MIN)
  const cellWidth = Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, Math.floor(room / Math.max(chunks, 1)) - GAP))
  const columns = Math.max(1, Math.min(chunks, Math.floor(room / (cellWidth + GAP))))
  const cellHeight = Math.max(HEIGHT_MIN, Math.min(HEIGHT_MAX, cellWidth))
  const bandHeight = rows * (cellHeight + GAP) + BAND_GAP
  return { rows, chunks, columns, cellWidth, cellHeight, bandHeight, height: Math.ceil(chunks / columns) * bandHeight }
}

/** The corner of a cell, `row * chunks + chunk`. */
export function cornerOf(
  { chunks, columns, cellWidth, cellHeight, bandHeight }: GridLayout,
  cell: number,
): [number, number] {
  const [row, chunk] = [Math.floor(cell / chunks), cell % chunks]
  return [
    NAMES_WIDTH + (chunk % columns) * (cellWidth + GAP),
    Math.floor(chunk / columns) * bandHeight + row * (cellHeight + GAP),
  ]
}

/** The cell at this place; null where there is none. */
export function cellAt(layout: GridLayout, x: number, y: number): number | null {
  const { rows, chunks, columns, cellWidth, cellHeight, bandHeight } = layout
  const column = Math.floor((x - NAMES_WIDTH) / (cellWidth + GAP))
  const band = Math.floor(y / bandHeight)
  const row = Math.floor((y - band * bandHeight) / (cellHeight + GAP))
  const chunk = band * columns + column
  const isCell = column >= 0 && column < columns && row >= 0 && row < rows && chunk >= 0 && chunk < chunks
  return isCell ? row * chunks + chunk : null
}

/** The cell that an arrow key leads to; the same where there is none. */
export function cellBeside({ rows, chunks, columns }: GridLayout, cell: number, key: string): number {
  const [row, chunk] = [Math.floor(cell / chunks), cell % chunks]
  const at = (r: number, c: number) => (r >= 0 && r < rows && c >= 0 && c < chunks ? r * chunks + c : cell)
  if (key === 'ArrowLeft') return at(row, chunk - 1)
  if (key === 'ArrowRight') return at(row, chunk + 1)
  if (key === 'ArrowUp') return row > 0 ? at(row - 1, chunk) : at(rows - 1, chunk - columns)
  if (key === 'ArrowDown') return row < rows - 1 ? at(row + 1, chunk) : at(0, chunk + columns)
  return key === 'Home' ? 0 : key === 'End' ? rows * chunks - 1 : cell
}

/** Draws the part of a grid of chunks that can be seen on a canvas. */
import { CELL_STATES, type Change, type Grid, MARK } from '../feed/messages.ts'
import { cornerOf, type GridLayout } from './grid-layout.ts'

/** How long a change of a cell is seen, ms. */
export const FLASH_MS = 4_000

/** What has just happened to a cell, and when, ms of the page. */
export interface Flash {
  readonly change: Change
  readonly at: number
}

/** What is drawn. */
export interface Drawing {
  readonly grid: Grid
  readonly layout: GridLayout
  /** The part that can be seen, pixels. */
  readonly top: number
  readonly height: number
  /** Of cells that run: the share done of each of its attempts. */
  readonly shares: ReadonlyMap<number, number>
  readonly flashes: ReadonlyMap<number, Flash>
  readonly chosen: number | null
  readonly now: number
  /** A colour of the style sheet: `--done`. */
  colour(name: string): string
}

/** Draws it on a canvas of which the corner is the top of what can be seen. */
export function drawGrid(context: CanvasRenderingContext2D, drawing: Drawing): void {
  const { layout, top, height, grid } = drawing
  const bands = Math.ceil(layout.chunks / layout.columns)
  const first = Math.max(0, Math.floor(top / layout.bandHeight))
  const last = Math.min(bands - 1, Math.floor((top + height) / layout.bandHeight))
  for (let band = first; band <= last; band++) {
    const from = band * layout.columns
    const to = Math.min(layout.chunks, from + layout.columns)
    grid.rows.forEach((name, row) => {
      drawName(context, drawing, name, row * layout.chunks + from)
      for (let chunk = from; chunk < to; chunk++) drawCell(context, drawing, row * layout.chunks + chunk)
    })
  }
}

function drawName(
  context: CanvasRenderingContext2D,
  { layout, top, colour }: Drawing,
  name: string,
  cell: number,
): void {
  const [, y] = cornerOf(layout, cell)
  context.fillStyle = colour('--quiet')
  context.font = '12px system-ui, sans-serif'
  context.textBaseline = 'middle'
  context.fillText(name, 0, y - top + layout.cellHeight / 2, 54)
}

function drawCell(context: CanvasRenderingContext2D, drawing: Drawing, cell: number): void {
  const { grid, layout, top, shares, flashes, chosen, now, colour } = drawing
  const { cellWidth: width, cellHeight: height } = layout
  const [x, y0] = cornerOf(layout, cell)
  const y = y0 - top
  const state = CELL_STATES[grid.states[cell]!]!
  const marks = grid.marks[cell]!
  context.fillStyle = colour(state === 'runs' ? '--waits' : `--${state}`)
  context.fillRect(x, y, width, height)
  if (state === 'runs') {
    const share = Math.max(0.12, shares.get(cell) ?? 0)
    context.fillStyle = colour('--runs')
    context.fillRect(x, y + height * (1 - share), width, height * share)
  }
  const size = Math.min(8, width / 2)
  if (marks & (MARK.again | MARK.failure)) {
    context.fillStyle = colour(marks & MARK.failure ? '--failed' : '--again')
    corner(context, [x + width, y], [-size, size])
  }
  if (marks & MARK.backup) {
    context.fillStyle = colour('--backup')
    corner(context, [x, y + height], [size, -size])
    if (state === 'runs') frame(context, colour('--backup'), x, y, width, height)
  }
  const flash = flashes.get(cell)
  if (flash && flash.change !== 'claimed') {
    const left = 1 - (now - flash.at) / FLASH_MS
    context.globalAlpha = Math.max(0, flash.change === 'done' ? left * 0.5 : left)
    context.fillStyle = colour(FLASH_COLOURS[flash.change])
    context.fillRect(x - 1, y - 1, width + 2, height + 2)
    context.globalAlpha = 1
  }
  if (cell === chosen) frame(context, colour('--text'), x - 1, y - 1, width + 2, height + 2)
}

const FLASH_COLOURS: Readonly<Record<Change, string>> = {
  claimed: '--runs',
  done: '--flash',
  reclaimed: '--again',
  'made again': '--again',
  failed: '--failed',
}

function frame(context: CanvasRenderingContext2D, colour: string, x: number, y: number, width: number, height: number) {
  context.strokeStyle = colour
  context.lineWidth = 2
  context.strokeRect(x + 1, y + 1, width - 2, height - 2)
}

/** A triangle in a corner, to where the sizes point. */
function corner(context: CanvasRenderingContext2D, [x, y]: [number, number], [width, height]: [number, number]): void {
  context.beginPath()
  context.moveTo(x + width, y)
  context.lineTo(x, y)
  context.lineTo(x, y + height)
  context.fill()
}

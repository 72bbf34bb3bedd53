/** The bars of a run, a line for each video: pure, values in, lines out. */
import type { VideoRow } from '../protocol/status.ts'
import { isOpen } from '../protocol/video-status.ts'
import { eta, percent, rate } from './activity.ts'
import { fit } from './columns.ts'
import { printable } from './output.ts'

/** A video, and what happens to it now in a few words (`activityOf`). */
export interface Bar {
  readonly row: VideoRow
  readonly activity: string
}

const LABEL_COLUMNS = { widest: 22, narrowest: 12 } as const
const BAR_COLUMNS = { widest: 30, narrowest: 8 } as const
/** Rows of the terminal that are left to the lines above. */
const ROWS_ABOVE = 4

/** As many lines as fit, each narrower than the terminal: where there are more videos, those that have ended are counted first, then those that wait. */
export function barLines(bars: readonly Bar[], { columns, rows }: { columns: number; rows: number }): string[] {
  const room = Math.max(1, rows - ROWS_ABOVE)
  if (bars.length <= room) return bars.map((bar) => barLine(bar, columns - 1))
  const urgent = bars.toSorted((one, other) => rankOf(one) - rankOf(other))
  const shown = new Set(urgent.slice(0, room - 1))
  const hidden = bars.filter((bar) => !shown.has(bar))
  const ended = hidden.filter(({ row }) => !isOpen(row.status)).length
  const parts = [ended > 0 ? `${ended} ended` : '', hidden.length > ended ? `${hidden.length - ended} wait` : '']
  const lines = bars.filter((bar) => shown.has(bar)).map((bar) => barLine(bar, columns - 1))
  return [...lines, `and ${parts.filter(Boolean).join(', ')}`]
}

/** What happens now comes first, then what waits, then what has ended. */
const rankOf = ({ row }: Bar): number => (!isOpen(row.status) ? 2 : row.status === 'QUEUED' ? 1 : 0)

/** What does not fit is left out from the end: first the time that is left, then the speed. The bar is never narrower than 8 columns. */
function barLine({ row, activity }: Bar, columns: number): string {
  const label = Math.max(LABEL_COLUMNS.narrowest, Math.min(LABEL_COLUMNS.widest, Math.floor(columns / 4)))
  const taken = label + ' [] '.length + BAR_COLUMNS.narrowest
  const parts = [percent(row).padStart(4), activity.padEnd(8), rate(row), eta(row)].filter(Boolean)
  while (parts.length > 2 && taken + parts.join('  ').length > columns) parts.pop()
  const tail = parts.join('  ').trimEnd()
  const room = columns - label - ' [] '.length - tail.length
  const width = Math.max(BAR_COLUMNS.narrowest, Math.min(BAR_COLUMNS.widest, room))
  const full = Math.round(Math.min(1, row.done) * width)
  return `${fit(printable(row.name), label)} [${'█'.repeat(full)}${'░'.repeat(width - full)}] ${tail}`
}

/**
 * Lines at the end of a terminal that are drawn again and again, and text that stays above them. `log-update` draws; what it leaves behind where the
 * terminal becomes narrower, as the terminal wraps the lines that it drew, is erased here.
 */
import type { WriteStream } from 'node:tty'
import cutTo from 'cli-truncate'
import { createLogUpdate } from 'log-update'
import { widthOf } from './columns.ts'

/** The lines, on one terminal. */
export interface LiveLines {
  /** Draws these in place of those before; each is cut to the width of the terminal. */
  draw(lines: readonly string[]): void
  /** Prints text that stays, above the lines; to `stream` where it is not for the terminal's own. */
  print(text: string, stream?: NodeJS.WritableStream): void
  /** The lines stay as they are, and the cursor is shown again. */
  end(): void
}

const ROW_ABOVE_ERASED = '\u001b[1A\u001b[2K'

/** Draws on this terminal, until `end`. */
export function createLiveLines(terminal: WriteStream): LiveLines {
  const update = createLogUpdate(terminal)
  let drawn: readonly string[] = []
  const draw = (lines: readonly string[]) => {
    drawn = lines.map((line) => cutTo(line, terminal.columns - 1))
    if (drawn.length > 0) update(drawn.join('\n'))
    else update.clear()
  }
  const erase = () => {
    const wrapped = drawn.map((line) => Math.max(0, Math.ceil(widthOf(line) / terminal.columns) - 1))
    update.clear()
    terminal.write(ROW_ABOVE_ERASED.repeat(wrapped.reduce((sum, rows) => sum + rows, 0)))
  }
  const redraw = () => {
    erase()
    draw(drawn)
  }
  terminal.on('resize', redraw)
  return {
    draw,
    print(text, stream = terminal) {
      erase()
      stream.write(`${text}\n`)
      draw(drawn)
    },
    end() {
      terminal.off('resize', redraw)
      drawn = []
      update.done()
    },
  }
}

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
  /** Draws these in place of those before, now and whenever the terminal gets another size; each is cut to its width, columns. */
  draw(lines: (columns: number) => readonly string[]): void
  /** Prints text that stays, above the lines; to `stream` where it is not for the terminal's own. */
  print(text: string, stream?: NodeJS.WritableStream): void
  /** The lines stay as they are, and the cursor is shown again. */
  end(): void
}

const ROW_ABOVE_ERASED = '\u001b[1A\u001b[2K'

/** Draws on this terminal, until `end`. */
export function createLiveLines(terminal: WriteStream): LiveLines {
  const update = createLogUpdate(terminal)
  let lines: (columns: number) => readonly string[] = () => []
  let drawn: readonly string[] = []
  const show = () => {
    drawn = lines(terminal.columns).map((line) => cutTo(line, terminal.columns - 1))
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
    show()
  }
  terminal.on('resize', redraw)
  return {
    draw(next) {
      askSize(terminal)
      lines = next
      show()
    },
    print(text, stream = terminal) {
      askSize(terminal)
      erase()
      stream.write(`${text}\n`)
      show()
    },
    end() {
      terminal.off('resize', redraw)
      lines = () => []
      drawn = []
      update.done()
    },
  }
}

/**
 * Asks the terminal for its size, which Node knows only once it has handled the signal of a change: on a busy machine that is after what else was
 * due, and what is drawn for the size before could not be erased any more. Raises `resize` where it is another.
 */
function askSize(terminal: WriteStream & { _refreshSize?(): void }): void {
  terminal._refreshSize?.()
}

/** The output of `run` on a terminal: bars below the lines that stay. In a file of its own, as what measures text takes long to load. */
import type { WriteStream } from 'node:tty'
import type { StatusSnapshot, VideoRow } from '../protocol/status.ts'
import { activityOf } from './activity.ts'
import { type Bar, barLines } from './bars.ts'
import { createLiveLines } from './live-lines.ts'

/** Where an output for people puts its text. */
export interface Voice {
  /** Prints a line that stays, above the bars where there are any. */
  line(text: string): void
  /** Prints an error, to stderr. */
  problem(text: string): void
}

/** How an output for people shows progress. */
export interface Face {
  progress(rows: readonly VideoRow[], snapshot: StatusSnapshot): void
  /** Ends the bars. */
  settle(): void
}

/** Draws on this terminal, until `settle`. */
export function barFace(terminal: WriteStream): { readonly voice: Voice; readonly face: Face } {
  const live = createLiveLines(terminal)
  const bars = new Map<VideoRow['id'], Bar>()
  const draw = () => live.draw((columns) => barLines([...bars.values()], { columns, rows: terminal.rows ?? 24 }))
  return {
    voice: {
      line: (text) => live.print(text),
      problem: (text) => live.print(text, process.stderr),
    },
    face: {
      progress(rows, snapshot) {
        for (const row of rows) bars.set(row.id, { row, activity: activityOf(row, snapshot) })
        draw()
      },
      settle: () => live.end(),
    },
  }
}

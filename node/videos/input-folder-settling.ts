/** Decides when a file of a watched folder is submitted: once it has been the same for a while, and for longer after a refusal. No I/O. */
import type { Clock } from '../../protocol/clock.ts'
import { INPUT_REFUSED_MS, INPUT_SETTLED_MS } from '../../protocol/limits.ts'

/** The files of one folder that are not submitted yet. No method throws. */
export interface Settling {
  /** Whether the file has had this print for long enough. A print that is new begins the wait again. */
  isSettled(file: string, print: string): boolean
  /** After a refusal: whether the file now waits longer. False where it has waited that long, or is unknown. */
  waitLonger(file: string): boolean
  forget(file: string): void
  /** Forgets all other files. */
  keepOnly(files: ReadonlyMap<string, unknown>): void
}

interface Waiting {
  readonly print: string
  /** Since when the file has had this print, monotonic ms. */
  readonly since: number
  readonly forMs: number
}

/** Makes it, with no file known. */
export function createSettling(clock: Pick<Clock, 'mono'>): Settling {
  const waiting = new Map<string, Waiting>()
  return {
    isSettled(file, print) {
      const known = waiting.get(file)
      if (known?.print === print) return clock.mono() - known.since >= known.forMs
      waiting.set(file, { print, since: clock.mono(), forMs: INPUT_SETTLED_MS })
      return false
    },
    waitLonger(file) {
      const known = waiting.get(file)
      if (!known || known.forMs >= INPUT_REFUSED_MS) return false
      waiting.set(file, { ...known, forMs: INPUT_REFUSED_MS })
      return true
    },
    forget: (file) => void waiting.delete(file),
    keepOnly(files) {
      for (const file of waiting.keys()) if (!files.has(file)) waiting.delete(file)
    },
  }
}

/** Handles signals: the first one stops gracefully, the second one at once. */
import { systemClock } from '../node/host/system-clock.ts'

const INTERRUPTED = 130
/** How long a child whose parent has ended stops gracefully: its next process releases its claims. */
const ORPHAN_MS = 1_500

/**
 * Resolves after a signal, when `stop` has ended. The exit code after SIGTERM is 0, as supervisors expect. `parentChannel`: standard input is one from the parent,
 * which ends when it closes. `onInput`: called when the parent writes something there.
 */
export function untilStopped(options: {
  parentChannel: boolean
  onInput?(): void
  drained?: Promise<void>
  stop(): Promise<void>
}): Promise<void> {
  return new Promise((resolve, reject) => {
    let signals = 0
    const begin = (code: number) => {
      if (signals++ > 0) process.exit(INTERRUPTED)
      process.exitCode = code
      options.stop().then(resolve, reject)
    }
    process.on('SIGTERM', () => begin(0))
    process.on('SIGINT', () => begin(0))
    void options.drained?.then(() => signals === 0 && begin(0))
    if (!options.parentChannel) return
    process.stdin.on('data', () => options.onInput?.())
    process.stdin.on('close', () => {
      systemClock.timer(ORPHAN_MS, () => process.exit(0))
      begin(0)
    })
  })
}

/** Calls `interrupt` on the first SIGINT or SIGTERM; the second ends the process at once. The returned function removes the handler. */
export function onInterrupt(interrupt: () => void): () => void {
  let signals = 0
  const act = () => {
    if (signals++ > 0) process.exit(INTERRUPTED)
    interrupt()
  }
  process.on('SIGINT', act)
  process.on('SIGTERM', act)
  return () => {
    process.off('SIGINT', act)
    process.off('SIGTERM', act)
  }
}

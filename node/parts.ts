/**
 * A list of running parts: started one after the other, stopped in reverse order.
 *
 * Promises: when `stop` has resolved no started part runs any more; a part that fails to stop is logged, and the others are stopped; after
 * `stop` no part is started, and one that is just starting is stopped when it has started.
 */
import { sentence } from '../protocol/errors.ts'
import type { Log } from '../protocol/log.ts'

/** A part with an optional start and stop. */
export interface Part {
  /** Its name in log lines. */
  readonly name: string
  /** `stopping` aborts as soon as the whole list begins to stop, before the parts that were started later have ended. */
  start?(stopping: AbortSignal): unknown
  /** Resolves when nothing of it runs any more. */
  stop?(): unknown
}

/** The list of running parts. */
export interface PartList {
  /** Rejects as the part's own start does; the part is then not among those that `stop` stops. */
  start(part: Part): Promise<void>
  /** Idempotent. Never rejects. */
  stop(): Promise<void>
}

/** An empty list. */
export function createPartList(log: Log): PartList {
  const stopping = new AbortController()
  const { signal } = stopping
  const started: Part[] = []
  let stopped: Promise<void> | null = null

  async function stopPart({ name, stop }: Part): Promise<void> {
    try {
      await stop?.()
    } catch (error) {
      log.warn('a part failed to stop', { part: name, error: sentence(error) })
    }
  }

  async function stopAll(): Promise<void> {
    stopping.abort(new DOMException('the node stops', 'AbortError'))
    for (const part of started.reverse()) await stopPart(part)
  }

  return {
    async start(part) {
      if (signal.aborted) return
      await part.start?.(signal)
      if (signal.aborted) await stopPart(part)
      else started.push(part)
    },
    stop() {
      stopped ??= stopAll()
      return stopped
    },
  }
}

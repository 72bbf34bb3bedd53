/** What `reelmesh run --json` says (docs/run-json.md), as far as the demo listens. */

import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Counts } from '../../protocol/ledger.ts'

export interface RunningTask {
  /** `<video>/<rendition or kind>/<chunk>`. */
  readonly task: string
  readonly attempt: number
  /** Share done, 0–1. */
  readonly done: number
  /** Source seconds encoded per second. */
  readonly speed: number
}

export interface WorkerRow {
  readonly name: string
  readonly peer: string
  readonly state: string
  readonly running: readonly RunningTask[]
}

export interface VideoProgress {
  readonly video: string
  readonly status: string
  readonly done: number
  readonly fps: number | null
  readonly speed: number | null
  readonly eta_s: number | null
  readonly tasks: Counts
}

export interface MeshEvent {
  /** Wall clock, ms. */
  readonly at: number
  readonly what: string
  readonly peer: string | null
  readonly text: string
}

export interface DeliveredFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

export interface Delivered {
  readonly event: 'delivered'
  readonly video: string
  readonly frames: number
  readonly seconds: number
  readonly files: readonly DeliveredFile[]
  readonly notes: readonly string[]
}

export interface Progress {
  readonly event: 'progress'
  readonly workers: readonly WorkerRow[]
  readonly events: readonly MeshEvent[]
  readonly videos: readonly VideoProgress[]
}

export type RunEvent =
  | { readonly event: 'worker_started'; readonly name: string; readonly pid: number }
  | { readonly event: 'worker_ended'; readonly name: string; readonly pid: number; readonly how: string }
  | { readonly event: 'submitted'; readonly video: string; readonly name: string }
  | { readonly event: 'refused' | 'failed'; readonly message: string }
  | Progress
  | Delivered
  | { readonly event: 'stopping' }
  | { readonly event: 'done'; readonly how: string; readonly seconds: number }

/** One event a line; a line that is none (a crash speaking) is passed on to `other`. */
export async function* readEvents(stream: Readable, other: (line: string) => void): AsyncGenerator<RunEvent> {
  for await (const line of createInterface({ input: stream })) {
    let event: RunEvent
    try {
      event = JSON.parse(line) as RunEvent
    } catch {
      other(line)
      continue
    }
    yield event
  }
}

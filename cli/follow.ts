/** Watches videos until each is delivered here or has ended: the one loop behind `run` and `submit --wait`. */
import type { StatusSnapshot, VideoRow } from '../node/status.ts'
import { systemClock } from '../node/system-clock.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { Reporter } from './report.ts'

export interface Followed {
  /** Emptied as they end. */
  readonly wanted: { readonly size: number; has(id: VideoId): boolean; delete(id: VideoId): boolean }
  readonly out: string | null
  readonly reporter: Reporter
  /** Ms between looks. */
  readonly lookMs: number
  readonly signal?: AbortSignal
  snapshot(): Promise<StatusSnapshot>
  /** Throws what ends all of it. */
  check(snapshot: StatusSnapshot, rows: readonly VideoRow[]): void
  /** Why a COMPLETED video's delivery is given up, in a sentence. */
  givesUp?(row: VideoRow): string | undefined
}

/** Exit code: 0 where everything was delivered. */
export async function follow(of: Followed): Promise<number> {
  const { wanted, out, reporter, signal } = of
  let code = 0
  while (wanted.size > 0 && !signal?.aborted) {
    const snapshot = await of.snapshot()
    const rows = snapshot.videos.filter((row) => wanted.has(row.id))
    reporter.progress(rows, snapshot)
    of.check(snapshot, rows)
    for (const row of rows) {
      const delivery = row.deliveries.find((each) => each.peer === snapshot.self && each.dir === out)
      const failure = failureOf(row, of)
      if (row.status === 'COMPLETED' && delivery?.done_at != null) reporter.delivered(row, delivery)
      else if (failure !== undefined) {
        reporter.failed(row, failure)
        code = 1
      } else continue
      wanted.delete(row.id)
    }
    if (wanted.size > 0) await systemClock.sleep(of.lookMs, signal).catch(() => {})
  }
  return code
}

/** Why there will be no files of it, once that is sure. */
function failureOf(row: VideoRow, { givesUp }: Pick<Followed, 'givesUp'>): string | undefined {
  if (row.status === 'FAILED' || row.status === 'CANCELLED') return row.failure ?? `${row.name} was cancelled`
  return row.status === 'COMPLETED' ? givesUp?.(row) : undefined
}
